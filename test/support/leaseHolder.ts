/**
 * Holds the file lease of an organization until it is killed, and says when it has it.
 *
 * `node leaseHolder.ts DIRECTORY ORG`
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { writeSync } from "node:fs"
import * as LeaseFileSystem from "../../src/layers/file/LeaseFileSystem.ts"
import { Environment } from "../../src/services/Environment.ts"
import { Lease } from "../../src/services/Lease.ts"

const [directory = "", org = ""] = process.argv.slice(2)

const hold = Effect.flatMap(
  Lease,
  (lease) =>
    lease.withLease(
      { org },
      () => Effect.andThen(Effect.sync(() => writeSync(1, "ready\n")), Effect.never)
    )
)

const layer = LeaseFileSystem.layer({ directory, ttl: "1 hour" }).pipe(
  Layer.provide([NodeFileSystem.layer, NodePath.layer, Environment.layerRecord({})])
)

void Effect.runPromise(Effect.provide(hold, layer))

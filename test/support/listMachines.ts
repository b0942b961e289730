import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { FlyHttpClient } from "../../src/http.ts"
import { FlyTokensNode } from "../../src/node.ts"

const machines = FlyHttpClient.use((client) => client.get("/v1/apps/my-app/machines")).pipe(
  Effect.flatMap((response) => response.json),
  Effect.provide(FlyHttpClient.layerConfig("my-app", "machines")),
  Effect.provide([FlyTokensNode.layer(), FetchHttpClient.layer])
)
NodeRuntime.runMain(Effect.flatMap(machines, Console.log))

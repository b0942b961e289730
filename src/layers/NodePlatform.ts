/**
 * Node's files, paths and child processes. What starts children is loaded with the first child: most runs of the chain
 * need none, and loading it takes longer than they do.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import { ChildProcessSpawner, make } from "effect/process/ChildProcessSpawner"
import * as LiveChildren from "./LiveChildren.ts"

const spawner = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const platform = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const load = Effect.promise(() => import("@effect/platform-node/NodeChildProcessSpawner")).pipe(
    Effect.flatMap(({ layer }) => Layer.buildWithScope(layer, scope)),
    Effect.map(Context.get(ChildProcessSpawner)),
    Effect.provideContext(platform)
  )
  // One who goes away does not take it from the others.
  const loaded = yield* Effect.cachedWithTTL(
    Effect.uninterruptible(load),
    (exit) => exit._tag === "Success" ? Duration.infinity : Duration.zero
  )
  return make((command) =>
    Effect.gen(function*() {
      const { spawn } = yield* loaded
      // Released after the child, whose finalizer ends its group.
      const live = yield* Effect.acquireRelease(
        Effect.sync(LiveChildren.announce),
        (live) => Effect.sync(() => LiveChildren.forget(live))
      )
      const child = yield* spawn(command)
      live.pid = child.pid
      return child
    })
  )
})

export const layer: Layer.Layer<FileSystem.FileSystem | Path.Path | ChildProcessSpawner> = Layer.effect(
  ChildProcessSpawner,
  spawner
).pipe(Layer.provideMerge(Layer.merge(NodeFileSystem.layer, NodePath.layer)))

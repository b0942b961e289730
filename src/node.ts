/**
 * The layers for Node: files, flyctl's config file, the `fly` command.
 *
 * **Example** (Everything wired)
 *
 * ```ts
 * import { FlyTokensNode } from "effect-fly-tokens/node"
 *
 * const layer = FlyTokensNode.layer({ org: "my-org" })
 * ```
 *
 * @since 0.1.0
 */
export * as LeaseFileSystem from "./layers/file/LeaseFileSystem.ts"
export * as StorageFileSystem from "./layers/file/StorageFileSystem.ts"
export * as ConfigFileYaml from "./layers/fly/ConfigFileYaml.ts"
export * as EnvironmentProcess from "./layers/fly/EnvironmentProcess.ts"
export * as FlyCliProcess from "./layers/fly/FlyCliProcess.ts"
export * as FlyTokensNode from "./layers/FlyTokensNode.ts"

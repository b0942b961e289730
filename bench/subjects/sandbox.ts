/**
 * A home of its own with the stand-in as flyctl, for comparisons with real files and processes.
 */
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Sandbox from "../../test/support/Sandbox.ts"

export type { Sandbox } from "../../test/support/Sandbox.ts"

export const use = <A>(act: (sandbox: Sandbox.Sandbox) => Promise<A>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(Sandbox.make, (sandbox) => Effect.promise(() => act(sandbox)))))

/** What a program without this library does: it runs flyctl and reads what that printed. */
export const mint = async ({ bin, environment }: Sandbox.Sandbox): Promise<string> => {
  const args = ["tokens", "create", "readonly", "acme", "--json", "--expiry", "24h0m0s"]
  const { stdout } = await promisify(execFile)(join(bin, "flyctl"), args, { env: environment as NodeJS.ProcessEnv })
  return (JSON.parse(stdout) as { readonly token: string }).token
}

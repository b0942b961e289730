/** What the command that `exec` runs sees of the environment. */
import { secretVariables } from "../services/OptionName.ts"
import * as HandedOut from "./HandedOut.ts"

/** Given anew, or kept back. flyctl prefers `FLY_ACCESS_TOKEN`, an empty one too. */
const withheld: ReadonlySet<string> = new Set([
  "FLY_ACCESS_TOKEN",
  "FLY_API_TOKEN",
  HandedOut.variable,
  ...secretVariables
])

/** All of ours, with the token, and without what opens more than this app: the key of a whole store. */
export const childEnvironment = (
  inherited: NodeJS.ProcessEnv,
  { mark, token }: { readonly token: string; readonly mark: string | undefined }
): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(inherited).filter(([name]) => !withheld.has(name))),
  FLY_API_TOKEN: token,
  ...(mark === undefined ? {} : { [HandedOut.variable]: mark })
})

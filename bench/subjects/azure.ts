import {
  type AuthorizeRequestOptions,
  bearerTokenAuthenticationPolicy,
  createHttpHeaders,
  createPipelineRequest
} from "@azure/core-rest-pipeline"
import { type Client, type Subject } from "./Client.ts"
import * as Source from "./Source.ts"

type Cycler = AuthorizeRequestOptions["getAccessToken"]

const scopes = ["https://bench.example/.default"]

/** The cycler of a policy: a callback of the policy is what may see it. */
const cyclerOf = async (source: Source.Source): Promise<Cycler> => {
  let cycler: Cycler | undefined
  const policy = bearerTokenAuthenticationPolicy({
    scopes,
    credential: {
      getToken: async () => {
        const { expiresAt, value } = await Source.call(source)
        return { token: value, expiresOnTimestamp: expiresAt }
      }
    },
    challengeCallbacks: {
      authorizeRequest: async ({ getAccessToken }) => void (cycler = getAccessToken)
    }
  })
  const request = createPipelineRequest({ url: "https://bench.example/" })
  await policy.sendRequest(request, async () => ({ status: 200, headers: createHttpHeaders(), request }))
  return cycler!
}

export const azure: Subject = {
  name: "Azure token cycler",
  open: async (source): Promise<Client> => {
    // Making one is asynchronous here only: those for keys that nobody made beforehand would be late.
    const cyclers = new Map<string, Cycler>()
    const spare = await Promise.all(Array.from({ length: 1_001 }, () => cyclerOf(source)))
    const cyclerFor = (key: string): Cycler => {
      const cycler = cyclers.get(key) ?? spare.pop()!
      cyclers.set(key, cycler)
      return cycler
    }
    return {
      one: (key) => {
        const cycler = cyclerFor(key)
        return () => cycler(scopes, {})
      },
      get: (key) => cyclerFor(key)(scopes, {}),
      tokenOf: (answer) => (answer as { readonly token: string }).token,
      replace: (key) => cyclerFor(key)(scopes, { claims: "{\"access_token\":{}}" }),
      close: async () => {}
    }
  }
}

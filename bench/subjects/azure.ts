import {
  type AuthorizeRequestOptions,
  bearerTokenAuthenticationPolicy,
  createHttpHeaders,
  createPipelineRequest
} from "@azure/core-rest-pipeline"
import { byKey, type Subject } from "./Client.ts"
import * as Source from "./Source.ts"

type Cycler = AuthorizeRequestOptions["getAccessToken"]

const scopes = ["https://bench.example/.default"]

/** The cycler of a policy: a callback of the policy is what may see it. */
const cyclerOf = (source: Source.Source): Cycler => {
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
  // The callback is called at once; what the request then comes to does not matter.
  void policy.sendRequest(request, async () => ({ status: 200, headers: createHttpHeaders(), request }))
  return cycler!
}

export const azure: Subject = {
  name: "Azure token cycler",
  open: async (source) => {
    const cyclers = new Map<string, Cycler>()
    return {
      ...byKey((key) => {
        const cycler = cyclerOf(source)
        cyclers.set(key, cycler)
        return () => cycler(scopes, {})
      }),
      tokenOf: (answer) => (answer as { readonly token: string }).token,
      replace: (key) => cyclers.get(key)!(scopes, { claims: "{\"access_token\":{}}" })
    }
  }
}

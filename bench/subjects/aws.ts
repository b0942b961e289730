import { credentialsTreatedAsExpired } from "@aws-sdk/credential-provider-node"
import { memoizeChain } from "@aws-sdk/credential-provider-node/dist-es/runtime/memoize-chain.js"
import { memoize } from "@smithy/property-provider"
import { byKey, type Subject } from "./Client.ts"
import * as Source from "./Source.ts"

interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
}

type Provider = (options?: { readonly forceRefresh?: boolean }) => Promise<Credentials>

const providerOf = (source: Source.Source) => async (): Promise<Credentials> => {
  const { expiresAt, value } = await Source.call(source)
  return { accessKeyId: "AKIA", secretAccessKey: "none", sessionToken: value, expiration: new Date(expiresAt) }
}

const subject = (name: string, make: (provider: () => Promise<Credentials>) => Provider): Subject => ({
  name,
  open: async (source) => {
    const providers = new Map<string, Provider>()
    return {
      ...byKey((key) => {
        const provider = make(providerOf(source))
        providers.set(key, provider)
        return () => provider()
      }),
      tokenOf: (answer) => (answer as Credentials).sessionToken,
      replace: (key) => providers.get(key)!({ forceRefresh: true })
    }
  }
})

/** As the SDK's clients do it: a credential is as good as expired five minutes before it is. */
export const awsMemoize = subject(
  "AWS memoize",
  (provider) => memoize(provider, credentialsTreatedAsExpired, ({ expiration }) => expiration !== undefined)
)

/** What `defaultProvider()` is made of, with one provider in its chain. */
export const awsChain = subject(
  "AWS provider-node chain",
  (provider) => memoizeChain([provider], credentialsTreatedAsExpired)
)

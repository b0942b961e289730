/** The part of `defaultProvider()` that takes any providers; the package has no types for it. */
declare module "@aws-sdk/credential-provider-node/dist-es/runtime/memoize-chain.js" {
  export const memoizeChain: <Credentials>(
    providers: ReadonlyArray<() => Promise<Credentials>>,
    treatAsExpired: (credentials: never) => boolean
  ) => (options?: { readonly forceRefresh?: boolean }) => Promise<Credentials>
}

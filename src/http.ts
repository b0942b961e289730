/**
 * An `HttpClient` for Fly's APIs, over any `HttpClient` of Effect. Nothing here depends on Node.
 *
 * @since 0.1.0
 */
export { UntrustedOrigin } from "./layers/http/Destination.ts"
export type { FlyHttpClientOptions, FlyHttpError } from "./layers/http/Exchange.ts"
export { FlyHttpClient, type FlyHttpClientConfig } from "./layers/http/FlyHttpClient.ts"

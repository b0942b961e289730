/** An `HttpClient` for Fly's APIs: it sends the app's token, and another one when the first is refused. */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { FlyTokens } from "../../FlyTokens.ts"
import { given, type OrConfig } from "../../services/OptionConfig.ts"
import type { ApiTarget } from "../../token/FlyToken.ts"
import { authorize, type FlyHttpClientOptions, type FlyHttpError } from "./Exchange.ts"

/**
 * Options of which each is a value, or the `Config` of one.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type FlyHttpClientConfig = OrConfig<FlyHttpClientOptions>

/** To flyctl a variable that is empty is not set. */
const url = (name: string): Config.Config<URL | undefined> =>
  Config.flatMap(
    Config.withDefault(Config.String(name), ""),
    (text) => text === "" ? Config.succeed(undefined) : Config.URL(name)
  )

/** Nothing but the program says who else gets tokens. */
const trustedOrigins = Config.succeed(undefined)

const readers = {
  machines: { baseUrl: url("FLY_FLAPS_BASE_URL"), trustedOrigins },
  graphql: { baseUrl: url("FLY_API_BASE_URL"), trustedOrigins }
}

/**
 * A client that sends the token of one app to one of Fly's APIs.
 *
 * **Details**
 *
 * - Each request gets the app's current token as its `Authorization` header, in the form that the target wants; a
 *   header that the caller set is replaced. A path goes below the API's base URL, a whole URL stays as it is.
 * - On a 401, and on a GraphQL error `UNAUTHORIZED` without data, the token is reported as rejected, and the request is
 *   sent once more with the one that `refresh` yields. A hundred requests that find their token dead cause one mint. The
 *   second answer is the caller's, whatever it is. If there is no other token, the request fails with
 *   `NoTokenAvailable`, which says why.
 * - A token goes to Fly's APIs and to `trustedOrigins`, else the request fails with `UntrustedOrigin` before
 *   anything is sent. Redirects are not followed; `HttpClient.followRedirects` around this client follows them, and each
 *   hop is a request of this client.
 * - Errors are typed, so it is a service of its own: a client of type `HttpClient` cannot fail with `NoTokenAvailable`.
 *
 * **Gotchas**
 *
 * A request whose body is a stream is not sent twice: its 401 comes back, and the next request has another token. A
 * token that was minted within the last minute in place of a refused one, and that never worked, is not replaced again:
 * the 401 comes back. `FetchHttpClient.RequestInit` has to be provided where requests run or where this layer is built;
 * one that was provided to `FetchHttpClient.layer` alone is not seen.
 *
 * **Example** (The machines of an app)
 *
 * ```ts
 * import { FlyHttpClient } from "effect-fly-tokens/http"
 * import { FlyTokensNode } from "effect-fly-tokens/node"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 *
 * const machines = Effect.gen(function*() {
 *   const client = yield* FlyHttpClient
 *   const response = yield* client.get("/v1/apps/my-app/machines")
 *   return yield* response.json
 * }).pipe(
 *   Effect.provide(FlyHttpClient.layer("my-app", "machines")),
 *   Effect.provide([FlyTokensNode.layer(), FetchHttpClient.layer])
 * )
 * ```
 *
 * @category services
 * @since 0.1.0
 * @stability unstable
 */
export class FlyHttpClient extends Context.Service<FlyHttpClient, HttpClient.HttpClient.With<FlyHttpError>>()(
  "effect-fly-tokens/FlyHttpClient"
) {
  /** Any client, with the app's token on its requests. */
  static readonly authorized: {
    (app: string, target: ApiTarget, options?: FlyHttpClientOptions): <E, R>(
      self: HttpClient.HttpClient.With<E, R>
    ) => HttpClient.HttpClient.With<E | FlyHttpError, R | FlyTokens>
    <E, R>(
      self: HttpClient.HttpClient.With<E, R>,
      app: string,
      target: ApiTarget,
      options?: FlyHttpClientOptions
    ): HttpClient.HttpClient.With<E | FlyHttpError, R | FlyTokens>
  } = dual(
    (args) => HttpClient.isHttpClient(args[0]),
    <E, R>(self: HttpClient.HttpClient.With<E, R>, app: string, target: ApiTarget, options?: FlyHttpClientOptions) =>
      authorize(self, FlyTokens, app, target, options)
  )

  /** A client over the present `HttpClient` and `FlyTokens`, for programs that need several of them. */
  static readonly make = (
    app: string,
    target: ApiTarget,
    options?: FlyHttpClientOptions
  ): Effect.Effect<FlyHttpClient["Service"], never, HttpClient.HttpClient | FlyTokens> =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const tokens = yield* FlyTokens
      const init = yield* Effect.serviceOption(FetchHttpClient.RequestInit)
      return authorize(client, Effect.succeed(tokens), app, target, options, Option.getOrUndefined(init))
    })

  /** The client for an app and an API, over any `HttpClient`. */
  static readonly layer = (
    app: string,
    target: ApiTarget,
    options?: FlyHttpClientOptions
  ): Layer.Layer<FlyHttpClient, never, HttpClient.HttpClient | FlyTokens> =>
    Layer.effect(FlyHttpClient, FlyHttpClient.make(app, target, options))

  /**
   * The same with options from `Config`: a value, or the `Config` of one. A `baseUrl` that is not given is read from
   * flyctl's own variable, if it is set: `FLY_FLAPS_BASE_URL` for target `machines`, `FLY_API_BASE_URL` for `graphql`.
   */
  static readonly layerConfig = (
    app: string,
    target: ApiTarget,
    options: FlyHttpClientConfig = {}
  ): Layer.Layer<FlyHttpClient, Config.ConfigError, HttpClient.HttpClient | FlyTokens> =>
    Layer.effect(
      FlyHttpClient,
      Effect.flatMap(
        given<FlyHttpClientOptions>(readers[target], options),
        (options) => FlyHttpClient.make(app, target, options)
      )
    )
}

/**
 * An `HttpClient` for Fly's APIs: it sends the app's token, and another one when the first is refused.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, InvalidUrlError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { FlyTokens, type ResolvedToken } from "../../services/FlyTokens.ts"
import type { InvalidAppName, NoTokenAvailable } from "../../services/TokenError.ts"
import type { ApiTarget } from "../../token/FlyToken.ts"
import * as Destination from "./Destination.ts"
import * as MintBrake from "./MintBrake.ts"
import * as Refusal from "./Refusal.ts"
import { canBeSentAgain } from "./RequestBody.ts"
import { UntrustedOrigin } from "./UntrustedOrigin.ts"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface FlyHttpClientOptions {
  /**
   * What comes before a request's path; its origin gets tokens. Default: `https://api.machines.dev` for target
   * `machines`, `https://api.fly.io` for target `graphql`.
   */
  readonly baseUrl?: URL | undefined
  /** Origins beside Fly's own that get tokens: a proxy of yours, say. Of each URL scheme, host and port count. */
  readonly trustedOrigins?: ReadonlyArray<URL> | undefined
}

/**
 * What a request may come to, beside the errors of the client below.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export type FlyHttpError = NoTokenAvailable | InvalidAppName | UntrustedOrigin | HttpClientError

/** Redirects come back as they are: `fetch` would follow them by itself. */
const requestInit = (context: Context.Context<never>): RequestInit => ({
  ...Context.getOrUndefined(context, FetchHttpClient.RequestInit),
  redirect: "manual"
})

/** The header is redacted also where a program redacts other ones. */
const redactedNames = (context: Context.Context<never>): ReadonlyArray<string | RegExp> => [
  ...Context.get(context, Headers.CurrentRedactedNames),
  "authorization"
]

const guarded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.updateContext(effect, (context: Context.Context<R>) =>
    context.pipe(
      Context.add(FetchHttpClient.RequestInit, requestInit(context)),
      Context.add(Headers.CurrentRedactedNames, redactedNames(context))
    ) as Context.Context<R>)

/** Reads what nobody will, so that the connection can serve again; a long body is cut off. */
const discard = (response: HttpClientResponse) => {
  let size = 0
  return response.stream.pipe(
    Stream.takeWhile((chunk) => (size += chunk.length) <= 65_536),
    Stream.runDrain,
    Effect.timeoutOption("5 seconds"),
    Effect.ignore
  )
}

const authorize = <E, R, R2>(
  self: HttpClient.HttpClient.With<E, R>,
  tokens: Effect.Effect<FlyTokens["Service"], never, R2>,
  app: string,
  target: ApiTarget,
  options: FlyHttpClientOptions = {}
): HttpClient.HttpClient.With<E | FlyHttpError, R | R2> => {
  const base = options.baseUrl ?? new URL(Destination.baseUrls[target])
  const isTrusted = Destination.isTrusted([base, ...options.trustedOrigins ?? []])
  const brake = MintBrake.make()

  const addressed = (request: HttpClientRequest.HttpClientRequest) =>
    Effect.suspend((): Effect.Effect<HttpClientRequest.HttpClientRequest, UntrustedOrigin | HttpClientError> => {
      const whole = HttpClientRequest.setUrl(request, Destination.resolve(request.url, base))
      const url = HttpClientRequest.toUrl(whole)
      if (Option.isNone(url)) {
        return Effect.fail(new HttpClientError({ reason: new InvalidUrlError({ request }) }))
      }
      return isTrusted(url.value) ? Effect.succeed(whole) : Effect.fail(UntrustedOrigin.of(url.value))
    })

  const isElsewhere = ({ url }: HttpClientResponse) => URL.canParse(url) && !isTrusted(new URL(url))

  const exchange = Effect.fnUntraced(function*(incoming: HttpClientRequest.HttpClientRequest) {
    const request = yield* addressed(incoming)
    const { get, invalidate, refresh } = yield* tokens

    const send = (resolved: ResolvedToken) =>
      Effect.succeed(HttpClientRequest.setHeader(request, "authorization", resolved.authorization(target))).pipe(
        self.postprocess,
        guarded,
        // A client that followed a redirect to another server went there without the token.
        Effect.flatMap((response) =>
          isElsewhere(response) ? Effect.succeed({ response, refused: false }) : Refusal.judge(target, response)
        ),
        Effect.tap(({ refused }) => Effect.sync(() => refused || brake.worked(resolved)))
      )

    const resolved = yield* get(app)
    const { refused, response } = yield* send(resolved)
    if (!refused || !brake.mayReport(resolved, yield* Clock.currentTimeMillis)) return response
    const refusal = { rejected: resolved.token }
    if (!canBeSentAgain(request.body)) {
      // The token is dropped from memory even if the store fails.
      yield* Effect.ignore(invalidate(app, refusal))
      return response
    }
    yield* Effect.forkChild(discard(response))
    return (yield* send(yield* refresh(app, refusal))).response
  })

  return HttpClient.makeWith((request) => Effect.flatMap(request, exchange), self.preprocess)
}

type Arguments = [app: string, target: ApiTarget, options?: FlyHttpClientOptions]

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
 * - A token goes to Fly's APIs and to `trustedOrigins`, else the request fails with {@link UntrustedOrigin} before
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
  /**
   * Any client, with the app's token on its requests.
   *
   * **Example** (A client of yours)
   *
   * ```ts
   * import { FlyHttpClient } from "effect-fly-tokens/http"
   * import * as Effect from "effect/Effect"
   * import * as HttpClient from "effect/http/HttpClient"
   *
   * const client = Effect.map(HttpClient.HttpClient, (client) =>
   *   client.pipe(
   *     FlyHttpClient.authorized("my-app", "graphql"),
   *     HttpClient.filterStatusOk
   *   ))
   * ```
   *
   * @category combinators
   */
  static readonly authorized: {
    (
      ...args: Arguments
    ): <E, R>(
      self: HttpClient.HttpClient.With<E, R>
    ) => HttpClient.HttpClient.With<E | FlyHttpError, R | FlyTokens>
    <E, R>(
      self: HttpClient.HttpClient.With<E, R>,
      ...args: Arguments
    ): HttpClient.HttpClient.With<E | FlyHttpError, R | FlyTokens>
  } = dual(
    (args) => HttpClient.isHttpClient(args[0]),
    <E, R>(self: HttpClient.HttpClient.With<E, R>, ...args: Arguments) => authorize(self, FlyTokens, ...args)
  )

  /**
   * A client over the present `HttpClient` and `FlyTokens`, for programs that need several of them.
   *
   * @category constructors
   */
  static make(
    ...args: Arguments
  ): Effect.Effect<FlyHttpClient["Service"], never, HttpClient.HttpClient | FlyTokens> {
    return Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const tokens = yield* FlyTokens
      const init = yield* Effect.serviceOption(FetchHttpClient.RequestInit)
      const own = Option.isNone(init) ? client : HttpClient.transformResponse(
        client,
        Effect.updateContext((context: Context.Context<never>) =>
          Context.add(context, FetchHttpClient.RequestInit, {
            ...init.value,
            ...Context.getOrUndefined(context, FetchHttpClient.RequestInit)
          })
        )
      )
      return authorize(own, Effect.succeed(tokens), ...args)
    })
  }

  /**
   * The client for an app and an API, over any `HttpClient`.
   *
   * @category layers
   */
  static layer(
    ...args: Arguments
  ): Layer.Layer<FlyHttpClient, never, HttpClient.HttpClient | FlyTokens> {
    return Layer.effect(FlyHttpClient, FlyHttpClient.make(...args))
  }

  /**
   * The same with its base URL from `Config`, named as flyctl does it: `FLY_FLAPS_BASE_URL` for target `machines`,
   * `FLY_API_BASE_URL` for target `graphql`.
   *
   * @category layers
   */
  static layerConfig(
    app: string,
    target: ApiTarget,
    options: Omit<FlyHttpClientOptions, "baseUrl"> = {}
  ): Layer.Layer<FlyHttpClient, Config.ConfigError, HttpClient.HttpClient | FlyTokens> {
    const baseUrl = Config.withDefault(
      Config.URL(target === "machines" ? "FLY_FLAPS_BASE_URL" : "FLY_API_BASE_URL"),
      undefined
    )
    return Layer.unwrap(
      Effect.map(baseUrl, (baseUrl) => FlyHttpClient.layer(app, target, { ...options, baseUrl }))
    )
  }
}

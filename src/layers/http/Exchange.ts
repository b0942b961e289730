/**
 * One request: where it goes, the token on it, and another token if that one is refused.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import { HttpClientError, InvalidUrlError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { FlyTokens } from "../../FlyTokens.ts"
import type { InvalidAppName, NoTokenAvailable } from "../../services/TokenError.ts"
import type { ResolvedToken } from "../../services/TokenProvider.ts"
import type { ApiTarget } from "../../token/FlyToken.ts"
import * as Destination from "./Destination.ts"
import * as MintBrake from "./MintBrake.ts"
import * as Refusal from "./Refusal.ts"
import { canBeSentAgain } from "./RequestBody.ts"
import { UntrustedOrigin } from "./UntrustedOrigin.ts"

/**
 * Where requests go, and which origins beside Fly's get tokens.
 *
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

/**
 * A client that sends each request with the app's token, and once more if that is refused.
 *
 * @category combinators
 * @since 0.1.0
 * @stability unstable
 */
export const authorize = <E, R, R2>(
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
    // What `get` gave is a token, unless a service of somebody's own is broken.
    const other = yield* Effect.catchTag(refresh(app, refusal), "UnusableToken", Effect.die)
    return (yield* send(other)).response
  })

  return HttpClient.makeWith((request) => Effect.flatMap(request, exchange), self.preprocess)
}

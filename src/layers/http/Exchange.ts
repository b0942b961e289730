/** One request: where it goes, the token on it, and another token if that one is refused. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import type * as HttpBody from "effect/http/HttpBody"
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
import { baseUrls, resolve, trust, UntrustedOrigin } from "./Destination.ts"
import * as RejectionThrottle from "./RejectionThrottle.ts"
import * as Unauthorized from "./Unauthorized.ts"

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

const isValue = (body: unknown): boolean =>
  typeof body === "string" || body === undefined || body === null || ArrayBuffer.isView(body) ||
  body instanceof ArrayBuffer || body instanceof URLSearchParams || body instanceof Blob || body instanceof FormData

/** Whether a body is whole after it was sent. A stream is used up, or would run its effects anew. */
export const canBeSentAgain = (body: HttpBody.HttpBody): boolean =>
  body._tag === "Raw" ? isValue(body.body) : body._tag !== "Stream"

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

/** A client that sends each request with the app's token, and once more if that is refused. */
export const authorize = <E, R, R2>(
  self: HttpClient.HttpClient.With<E, R>,
  tokens: Effect.Effect<FlyTokens["Service"], never, R2>,
  app: string,
  target: ApiTarget,
  options: FlyHttpClientOptions = {},
  requestInit?: RequestInit
): HttpClient.HttpClient.With<E | FlyHttpError, R | R2> => {
  const base = options.baseUrl ?? new URL(baseUrls[target])
  const isTrusted = trust([base, ...options.trustedOrigins ?? []])
  const throttle = RejectionThrottle.make()

  /** The whole address of a request, if a token may go there. */
  const addressed = Effect.fnUntraced(function*(request: HttpClientRequest.HttpClientRequest) {
    const whole = HttpClientRequest.setUrl(request, resolve(request.url, base))
    const url = HttpClientRequest.toUrl(whole)
    if (Option.isNone(url)) return yield* new HttpClientError({ reason: new InvalidUrlError({ request }) })
    return isTrusted(url.value) ? whole : yield* UntrustedOrigin.of(url.value)
  })

  const guarded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateContext(effect, (context: Context.Context<R>) =>
      context.pipe(
        // `fetch` would follow redirects by itself.
        Context.add(FetchHttpClient.RequestInit, {
          ...requestInit,
          ...Context.getOrUndefined(context, FetchHttpClient.RequestInit),
          redirect: "manual"
        }),
        // The header is redacted also where a program redacts other ones.
        Context.add(Headers.CurrentRedactedNames, [
          ...Context.get(context, Headers.CurrentRedactedNames),
          "authorization"
        ])
      ) as Context.Context<R>)

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
          isElsewhere(response) ? Effect.succeed({ response, refused: false }) : Unauthorized.judge(target, response)
        ),
        Effect.tap(({ refused }) => Effect.sync(() => refused || throttle.worked(resolved)))
      )

    const resolved = yield* get(app)
    const { refused, response } = yield* send(resolved)
    if (!refused || !throttle.mayReport(resolved, yield* Clock.currentTimeMillis)) return response
    const rejection = { rejected: resolved.token }
    if (!canBeSentAgain(request.body)) {
      // The token is dropped from memory even if the store fails.
      yield* Effect.ignore(invalidate(app, rejection))
      return response
    }
    yield* Effect.forkChild(discard(response))
    // What `get` gave is a token, unless a service of somebody's own is broken.
    const other = yield* Effect.catchTag(refresh(app, rejection), "UnusableToken", Effect.die)
    return (yield* send(other)).response
  })

  return HttpClient.makeWith((request) => Effect.flatMap(request, exchange), self.preprocess)
}

/** Tokens encrypted at rest: AES-256-GCM of WebCrypto. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { InvalidOption } from "../../services/TokenError.ts"

/** `a256gcm.<key id>.<base64url of nonce and ciphertext>` */
const format = /^a256gcm\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/
const nonceBytes = 12
const keyBytes = 32

/**
 * What a text is that was read where an encrypted token should be. `Foreign`: encrypted with a key that is not known
 * here. `Broken`: encrypted with a known key, and changed since, or meant for another place.
 */
export type Opened =
  | { readonly _tag: "Token"; readonly token: Redacted.Redacted<string> }
  | { readonly _tag: "Plain" }
  | { readonly _tag: "Foreign"; readonly keyId: string }
  | { readonly _tag: "Broken" }

export interface TokenCipher {
  /** Encrypts with the first key. `place` is not encrypted, but a text opens only with the same. */
  readonly seal: (token: Redacted.Redacted<string>, place: string) => Effect.Effect<Redacted.Redacted<string>>
  readonly open: (text: Redacted.Redacted<string>, place: string) => Effect.Effect<Opened>
}

interface Key {
  readonly id: string
  readonly key: Awaited<ReturnType<typeof crypto.subtle.importKey>>
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")

const importKey = Effect.fnUntraced(function*(text: Redacted.Redacted<string>) {
  const trimmed = Redacted.value(text).trim()
  const bytes = Result.getOrElse(Base64.decode(trimmed), () => new Uint8Array())
  if (bytes.length !== keyBytes) {
    return yield* new InvalidOption({
      option: "encryptionKeys",
      expected: "keys of 32 bytes in base64, for example made by `openssl rand -base64 32`"
    })
  }
  const raw = Uint8Array.from(bytes)
  return yield* Effect.promise(async (): Promise<Key> => ({
    id: hex(new Uint8Array(await crypto.subtle.digest("SHA-256", raw)).subarray(0, 4)),
    key: await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"])
  }))
})

/** The first key encrypts, all of them decrypt. */
export const make = Effect.fnUntraced(function*(
  texts: ReadonlyArray<Redacted.Redacted<string>>
): Effect.fn.Return<TokenCipher, InvalidOption> {
  const keys = yield* Effect.forEach(texts, importKey)
  const [first] = keys
  if (first === undefined) return yield* new InvalidOption({ option: "encryptionKeys", expected: "at least one key" })

  return {
    seal: (token, place) =>
      Effect.promise(async () => {
        const iv = crypto.getRandomValues(new Uint8Array(nonceBytes))
        const additionalData = new TextEncoder().encode(place)
        const data = new TextEncoder().encode(Redacted.value(token))
        const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, first.key, data)
        const bytes = new Uint8Array([...iv, ...new Uint8Array(sealed)])
        return Redacted.make(`a256gcm.${first.id}.${Base64Url.encode(bytes)}`)
      }),
    open: Effect.fnUntraced(function*(text, place): Effect.fn.Return<Opened> {
      const [, keyId, payload] = format.exec(Redacted.value(text)) ?? []
      if (keyId === undefined || payload === undefined) return { _tag: "Plain" }
      const known = keys.find(({ id }) => id === keyId)
      if (known === undefined) return { _tag: "Foreign", keyId }
      const bytes = Uint8Array.from(Result.getOrElse(Base64Url.decode(payload), () => new Uint8Array()))
      const iv = bytes.subarray(0, nonceBytes)
      const additionalData = new TextEncoder().encode(place)
      return yield* Effect.promise((): Promise<Opened> =>
        crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, known.key, bytes.subarray(nonceBytes)).then(
          (token): Opened => ({ _tag: "Token", token: Redacted.make(new TextDecoder().decode(token)) }),
          (): Opened => ({ _tag: "Broken" })
        )
      )
    })
  }
})

/**
 * What must hold for every text that comes from outside: it is read without a throw, in bounded time, to a value that
 * keeps its promises or to a reason, and no reason shows a part of a secret.
 */
import { assert } from "@effect/vitest"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { inspect } from "node:util"
import * as Portions from "../../src/concurrency/Portions.ts"
import * as ConfigFileText from "../../src/layers/fly/ConfigFileText.ts"
import { failureOf } from "../../src/layers/fly/FlyCliFailure.ts"
import * as Output from "../../src/layers/fly/FlyCliOutput.ts"
import { whyInvalid } from "../../src/policy/Usability.ts"
import { MissReason } from "../../src/services/MissReason.ts"
import * as Attenuation from "../../src/token/Attenuation.ts"
import type * as Caveat from "../../src/token/Caveat.ts"
import { FlyToken } from "../../src/token/FlyToken.ts"
import * as Grants from "../../src/token/Grants.ts"
import * as Macaroon from "../../src/token/Macaroon.ts"
import * as Redaction from "../../src/token/Redaction.ts"
import { type CliInput, cliInput } from "./CliInputs.ts"
import { type ConfigInput, configInput } from "./ConfigInputs.ts"
import { macaroonBytes, now, pieceOf, tokenText } from "./TokenInputs.ts"

/** A reader and the inputs for it, with a property that fails when a promise is not kept. */
export interface Target {
  readonly name: string
  /** `begin` is called before each input. */
  readonly property: (begin: () => void) => fc.IPropertyWithHooks<[unknown]>
}

/** One input must not take more time of the processor than this. The second try counts: code is compiled in the first. */
const limitMillis = 1_000

const target = <A>(name: string, inputs: fc.Arbitrary<A>, check: (input: A) => void): Target => {
  const timed = (input: A): number => {
    const start = process.threadCpuUsage()
    check(input)
    const { system, user } = process.threadCpuUsage(start)
    return (system + user) / 1000
  }
  return {
    name,
    property: (begin) =>
      fc.property<[unknown]>(inputs, (input) => {
        begin()
        if (timed(input as A) > limitMillis) {
          assert.isBelow(timed(input as A), limitMillis, "milliseconds of the processor")
        }
      })
  }
}

const window = 10

/** No ten characters in a row of a secret. */
const assertHides = (shown: string, secrets: ReadonlyArray<string>): void => {
  const secret = secrets.filter((text) => text.length >= window).join("\n")
  if (secret === "") return
  for (let at = 0; at + window <= shown.length; at++) {
    const part = shown.slice(at, at + window)
    if (secret.includes(part)) assert.fail(`${JSON.stringify(part)} is shown`)
  }
}

const decodeReason = Schema.decodeUnknownSync(MissReason)
const encodeReason = Schema.encodeSync(MissReason)

const assertReason = (reason: MissReason, secrets: ReadonlyArray<string>): void => {
  assert.isNotEmpty(reason.hint)
  assert.isBelow(reason.message.length, 500)
  const wire = JSON.stringify(encodeReason(reason))
  assertHides(`${reason.message}\n${wire}`, secrets)
  assert.strictEqual(decodeReason(JSON.parse(wire))._tag, reason._tag)
}

const header = /^(?:FlyV1|Bearer) [\x21-\x7e]+$/
const schemes = /^(?:(?:bearer|flyv1) +)+/i

const isMacaroon = (piece: string) => /^(?:fm1r|fm1a|fm2)_/.test(piece)

/** The pieces of a text as flyctl v0.4.87 splits it, written apart from the code that is tested. */
const piecesOf = (text: string): ReadonlyArray<string> => {
  let rest = text.trim()
  for (let before = ""; before !== rest;) {
    before = rest
    rest = rest.replace(schemes, "").trim()
  }
  const pieces = rest.split(",").map((piece) => piece.trim()).filter((piece) => piece !== "")
  return [...pieces.filter(isMacaroon), ...pieces.filter((piece) => !isMacaroon(piece))]
}

/** What holds for a token that is one. */
const assertSound = (token: FlyToken): void => {
  for (const api of ["machines", "graphql"] as const) assert.match(token.authorization(api), header)
  const again = FlyToken.make(token.value)
  assert.isTrue(Equal.equals(again, token))
  assert.deepStrictEqual(
    [again.expiresAt, again.discharged, again.readOnly, again.fingerprint, again.identity],
    [token.expiresAt, token.discharged, token.readOnly, token.fingerprint, token.identity]
  )
  assert.strictEqual(FlyToken.make(token.authorization("graphql")).value, token.value)
  assert.strictEqual(FlyToken.make(token.authorization("machines")).identity, token.identity)
  assert.isTrue(token.expiresAt === null || Number.isFinite(token.expiresAt))
}

const assertNarrows = (token: FlyToken): void => {
  const end = (now + 60) * 1000
  const result = token.attenuate({ readOnly: true, expiresAt: end })
  if (Result.isFailure(result)) return
  const narrowed = result.success
  assertSound(narrowed)
  assert.isTrue(narrowed.readOnly)
  assert.strictEqual(narrowed.discharged, token.discharged)
  assert.isAtMost(narrowed.expiresAt ?? Number.POSITIVE_INFINITY, Math.min(end, token.expiresAt ?? end))
  assert.deepStrictEqual(narrowed.orgIds, token.orgIds)
}

const readToken = (text: string): void => {
  const token = FlyToken.make(text)
  const pieces = piecesOf(text)
  // Of a text that is too long nothing is kept.
  if (token.value === "" && text.length > 65_536) return assert.include(token.malformed, "longer than")
  assert.strictEqual(token.value, `${pieces.some(isMacaroon) ? "FlyV1 " : ""}${pieces.join(",")}`)
  assert.match(String(token), /^<FlyToken [0-9a-f]{8}>$/)
  assert.strictEqual(inspect(token), String(token))
  assert.strictEqual(JSON.stringify(token), JSON.stringify(String(token)))
  const notBefore = Grants.notBefore(token)
  assert.isTrue(notBefore === null || Number.isFinite(notBefore))
  for (const limit of Grants.mintLimits(token)) assert.match(limit, /^[a-z0-9 ]{3,30}$/)
  const reason = whyInvalid(token, token.expiresAt ?? Number.POSITIVE_INFINITY, now * 1000)
  // Where a discharge is to be had is told, and nothing else of the token.
  if (reason?._tag === "Undischarged") {
    for (const location of reason.locations) assert.match(location, /^https?:\/\/[a-z0-9.:/-]+$/i)
  } else if (reason !== undefined) {
    assertReason(reason, pieces)
  }
  if (token.malformed === undefined) {
    assertSound(token)
    assertNarrows(token)
  } else {
    assert.isTrue(Result.isFailure(token.attenuate({ readOnly: true })))
  }
}

const windowsOf = (caveats: ReadonlyArray<Caveat.Caveat>): ReadonlyArray<number> =>
  caveats.flatMap((caveat) =>
    caveat._tag === "ValidityWindow"
      ? [caveat.notAfter]
      : caveat._tag === "IfPresent"
      ? windowsOf(caveat.caveats)
      : []
  )

const masksOf = (caveat: Caveat.Caveat): ReadonlyArray<number> => {
  switch (caveat._tag) {
    case "Organization":
    case "Action":
      return [caveat.mask]
    case "Apps":
      return [...caveat.masks.values()]
    case "IfPresent":
      return [caveat.otherwise, ...caveat.caveats.flatMap(masksOf)]
    default:
      return []
  }
}

const readMacaroon = (bytes: Uint8Array): void => {
  const piece = pieceOf(bytes)
  const decoded = Macaroon.decode(piece)
  const narrowed = Attenuation.append(piece, [[4, [0, now]], [26, 1]])
  if (Result.isFailure(decoded)) {
    assertHides(decoded.failure, [piece])
    assert.strictEqual(Result.isFailure(narrowed) && narrowed.failure, decoded.failure)
    return
  }
  const { caveats, location, nonce, tail } = decoded.success
  assert.strictEqual(tail.length, 32)
  for (const mask of caveats.flatMap(masksOf)) assert.isTrue(mask >= 0 && mask <= 0xffff)
  for (const { type } of caveats) assert.isTrue(type >= 0n && type < 2n ** 64n)
  const { missingDischarges, notAfter, usable } = Macaroon.standing([decoded.success])
  if (location === Macaroon.permissionLocation) {
    assert.strictEqual(notAfter, Math.min(...windowsOf(caveats), Number.POSITIVE_INFINITY))
    assert.strictEqual(usable, missingDischarges.length === 0)
  } else {
    assert.isFalse(usable)
  }
  if (Result.isFailure(narrowed)) {
    assertHides(narrowed.failure, [piece])
    assert.isTrue(nonce.proof || caveats.length > 250 || piece.length > 21_000, narrowed.failure)
    return
  }
  const after = Result.getOrThrow(Macaroon.decode(narrowed.success))
  assert.deepStrictEqual(after.nonce, nonce)
  // A text that breaks off within a character of UTF-8 is read with the bytes that follow it, which are others now.
  assert.strictEqual(after.location.slice(0, -2), location.slice(0, -2))
  assert.deepStrictEqual(after.caveats.slice(0, -2), caveats)
  assert.deepStrictEqual(after.caveats.slice(-2).map(({ type }) => type), [4n, 26n])
  assert.notDeepEqual(after.tail, tail)
}

const readConfig = ({ holds, secrets, text }: ConfigInput): void => {
  const { result } = Portions.atOnce(ConfigFileText.interpret(text, "/home/x/.fly/config.yml"))
  if (text.includes("last_login")) {
    const login = Portions.atOnce(ConfigFileText.lastLogin(text))
    assert.isTrue(login === null || (Number.isSafeInteger(login) && login > 0))
  }
  if (Result.isFailure(result)) {
    assertReason(result.failure, secrets)
    assert.isUndefined(holds, result.failure.message)
    return
  }
  const token = result.success
  if (token.malformed === undefined) assertSound(token)
  if (holds !== undefined) assert.strictEqual(token.value.replace(/^FlyV1 /, ""), holds)
}

const readOutput = ({ ended, minted, secrets }: CliInput): void => {
  const reason = failureOf(ended, { subject: "my-app", configFile: "/home/x/.fly/config.yml" })
  assertReason(reason, secrets)
  if (reason._tag === "HttpFailed") assert.isTrue(reason.status >= 0 && reason.status <= 999)
  if (reason._tag === "ExitCode") assert.strictEqual(reason.code, ended.exitCode)
  const result = Output.mintedToken(ended.stdout)
  if (Result.isSuccess(result)) {
    assert.isUndefined(result.success.malformed)
    assert.isAbove(result.success.size.macaroons, 0)
    assertSound(result.success)
  } else {
    assertReason(result.failure, secrets)
  }
  if (minted !== undefined) assert.strictEqual(Result.getOrThrow(result).value, `FlyV1 ${minted}`)
  const version = Output.versionOf(ended.stdout)
  if (Option.isSome(version)) assert.match(version.value, /^\d[A-Za-z0-9.+-]*$/)
  assert.include(["flyctl", "another", "nothing", "unclear"], Output.identityOf(ended))
  assert.isString(Option.getOrElse(Portions.atOnce(Output.statusOrg(ended.stdout)), () => ""))
  for (const [app, org] of Option.getOrElse(Portions.atOnce(Output.listedApps(ended.stdout)), () => new Map())) {
    assert.isString(app)
    assert.isString(org)
  }
}

const secret = /(?:fo1_|fm1[ar]_|fm2_)[A-Za-z0-9/+_-]/

const redact = (text: string): void => {
  assert.notMatch(Redaction.redactTokens(text), secret)
  const quoted = Redaction.quote(text)
  assert.notMatch(quoted, secret)
  assert.isBelow(quoted.length, 6 * 65 + 3)
  // oxlint-disable-next-line no-control-regex
  assert.notMatch(quoted, /[\u0000-\u001f]/)
}

/** Every reader of text from outside. */
export const targets: ReadonlyArray<Target> = [
  target("token", tokenText, readToken),
  target("macaroon", macaroonBytes, readMacaroon),
  target("config", configInput, readConfig),
  target("cli", cliInput, readOutput),
  target("redaction", tokenText, redact)
]

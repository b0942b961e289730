/**
 * Texts for the reader of `config.yml`: what flyctl writes, what people write, and what YAML allows that nobody should.
 */
import * as fc from "fast-check"
import { changedText, controls, noise } from "./Bytes.ts"
import { mintedToken } from "./TokenInputs.ts"

/** A file's text, what must not be told of it, and which token it holds, where that is known. */
export interface ConfigInput {
  readonly text: string
  readonly secrets: ReadonlyArray<string>
  readonly holds?: string
}

const userToken = noise(24).map((bytes) => `fo1_${Buffer.from(bytes).toString("base64url")}`)

const token = fc.oneof(
  userToken,
  mintedToken,
  fc.tuple(mintedToken, userToken).map(([macaroon, user]) => `${macaroon},${user}`)
)

const escaped = (text: string): string =>
  [...text].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")

/** Ways to write the setting that hold the token as it is. */
const sound: ReadonlyArray<(token: string) => string> = [
  (it) => `access_token: ${it}`,
  (it) => `access_token: '${it}'`,
  (it) => `access_token: "${it}"`,
  (it) => `"access_token": ${it}`,
  (it) => `'access_token'  : ${it}   # a comment`,
  (it) => `access_token: "${escaped(it)}"`,
  (it) => `access_token: |\n  ${it}\n`,
  (it) => `access_token: >-\n  ${it}\n`,
  (it) => `access_token: !!str ${it}`,
  (it) => `other: &t ${it}\naccess_token: *t`,
  (it) => `? access_token\n: ${it}`,
  (it) => `access_token:\n  ${it}`,
  (it) => `access_token: FlyV1 ${it}`
]

/** Ways that hold none, or break the file. */
const unsound: ReadonlyArray<(token: string) => string> = [
  (it) => `access_token: [${it}]`,
  (it) => `access_token: {a: ${it}}`,
  (it) => `access_token: !!binary ${it}`,
  (it) => `access_token: !!js/function "${it}"`,
  (it) => `access_token: &a\n  - *a\n  - ${it}`,
  (it) => `access_token: "${it}\\r\\nX-Evil: 1"`,
  (it) => `access_token: "${it}\\0"`,
  (it) => `access_token: ${it}\naccess_token: ${it}`,
  (it) => `<<: {access_token: ${it}}`,
  (it) => `__proto__:\n  access_token: ${it}`,
  (it) => `constructor: {prototype: {access_token: ${it}}}`,
  (it) => `- access_token: ${it}`,
  (it) => `? [access_token, ${it}]\n: x`,
  (it) => `access_token: '${it}`,
  (it) => `access_token: ${it}\n\tindented: by a tab`,
  () => `access_token: ~`,
  () => `access_token: 123456789012345678901234567890`,
  () => `access_token: 2026-01-01T00:00:00Z`,
  () => `access_token: *nowhere`
]

const others = [
  "last_login: 2026-01-01T00:00:00Z",
  "last_login: -1",
  "last_login: 99999-99-99",
  "last_login: [now]",
  "wire_guard_state:\n  personal:\n    peer: {a: [1, 2, 3]}\n    local_private: x",
  "wire_guard_websockets: true",
  "auto_update: no",
  "n: 1e999",
  "n: 0x7fffffffffffffffffffffffffffffff",
  "n: -.inf",
  "# a comment",
  ""
]

/** What has no place in the file, and may cost much. Sizes that hurt are in the tests of the file: here they would cost all the time. */
const hostile = [
  "%YAML 1.1",
  "%YAML 9.9\n---",
  "%TAG ! tag:evil,2026:\n---",
  "---",
  "...",
  "\ufeff",
  "!<tag:yaml.org,2002:python/object> x: y",
  `deep: ${"[".repeat(100)}`,
  `deep: ${"{a: ".repeat(60)}`,
  "- ".repeat(80),
  "? ".repeat(60),
  "a: &a [*a, *a]",
  "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]",
  "m: &m {a: b}\nn:\n  <<: [*m, *m]",
  "<<: &s\n  <<: *s",
  `long: ${"x".repeat(1_500)}`,
  `${"k".repeat(1_100)}: v`,
  "long: \"" + "\\x41".repeat(60) + "\"",
  "\"\\ud800\": x",
  "b: !!binary AAAA",
  "s: !!set {a, b}",
  "o: !!omap [a: 1]",
  "t: !!timestamp 2001-12-14t21:59:43.10-05:00"
]

const plain: fc.Arbitrary<ConfigInput> = fc.tuple(
  token,
  userToken,
  fc.constantFrom(...sound),
  fc.subarray(["last_login: 2026-01-01T00:00:00Z", "wire_guard_websockets: true", "n: -.inf", "# a comment"]),
  fc.constantFrom("\n", "\r\n"),
  fc.boolean()
).map(([it, metrics, way, around, line, mark]) => ({
  text: (mark ? "\ufeff" : "") +
    [...around, way(it), `metrics_token: ${metrics}`, ""].join("\n").replaceAll("\n", line),
  secrets: [it, metrics],
  holds: it
}))

const lines = fc.array(
  fc.oneof(
    { arbitrary: fc.constantFrom(...others), weight: 3 },
    { arbitrary: fc.constantFrom(...hostile), weight: 2 },
    { arbitrary: fc.string({ unit: "binary", maxLength: 30 }), weight: 1 }
  ),
  { maxLength: 4 }
)

const any: fc.Arbitrary<ConfigInput> = fc.tuple(
  token,
  userToken,
  fc.constantFrom(...sound, ...unsound),
  lines,
  lines,
  fc.constantFrom("\n", "\n", "\r\n", "\r", "\n  ")
).chain(([it, metrics, way, before, after, line]) =>
  changedText(fc.constant([...before, way(it), `metrics_token: ${metrics}`, ...after].join(line)), [
    ...controls,
    ":",
    ": ",
    "\n  ",
    "\n- ",
    "'",
    "\"",
    "|",
    "|2-",
    ">+9",
    "&a ",
    "*a",
    "<<: *a",
    "!!",
    "!",
    "{",
    "}",
    "[",
    "]",
    ",",
    "?",
    "#",
    "---\n",
    "%",
    "@",
    "`",
    "~",
    "[".repeat(60),
    "\\"
  ]).map((text) => ({ text, secrets: [it, metrics] }))
)

export const configInput: fc.Arbitrary<ConfigInput> = fc.oneof(
  { arbitrary: plain, weight: 1 },
  { arbitrary: any, weight: 4 }
)

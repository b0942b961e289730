/** Which texts can be a credential, and what the others look like. A reason says that, and never the text. */
import { isMacaroon } from "./Macaroon.ts"

/** What a text looks like that is no token: `why` as the end of a sentence, and what to do. */
interface Look {
  readonly why: string
  readonly remedy: string
}

const itself = "put the token itself there"

const looks = {
  object: {
    why: "it is neither a text nor a token (JSON and structuredClone leave nothing of one)",
    remedy: "hand over the token as it was got, or its text"
  },
  word: {
    why: "it is a word that programs write where there is no value",
    remedy: `look where it is set: its value was missing there; unset it, or ${itself}`
  },
  placeholder: { why: "it is a placeholder", remedy: `${itself}, in place of it` },
  printed: {
    why: "it is what is printed in place of a token",
    remedy: "take the token from where it is kept: a log, a JSON text or a masked page does not have it"
  },
  pem: { why: "it is a key or a certificate (PEM)", remedy: itself },
  header: { why: "it is a header with its name", remedy: "remove the name and the colon before the token" },
  assignment: { why: "it is an assignment", remedy: "remove the name and the sign before the token" },
  variable: {
    why: "it is a variable or a template that was not expanded",
    remedy: `what reads it does not expand it: ${itself}, or set it in a shell`
  },
  quotes: { why: "it is in quotes", remedy: "remove the quotes" },
  json: { why: "it is JSON", remedy: "put the token alone there, without what is around it" },
  reference: {
    why: "it is a reference to a secret",
    remedy: `what reads it does not resolve it: run the program through the tool that does, or ${itself}`
  },
  url: { why: "it is a URL", remedy: itself },
  path: { why: "it is a path", remedy: "put the content of the file there" },
  encoded: { why: "it is a token in base64", remedy: "decode it (`base64 -d`)" },
  character: {
    why: "it holds a space, a line break or another character that no token has",
    remedy: "copy the whole token again, on one line"
  }
} as const satisfies Record<string, Look>

/** A bearer credential, as RFC 6750 has it. */
const credential = /^[A-Za-z0-9._~+/-]+=*$/

/** Before a token, any number of times. */
const scheme = /^(?:bearer|flyv1) +/i

/** A text as it is, without the words of a header's scheme before it. */
export const withoutScheme = (text: string): string => {
  let rest = text.trim()
  while (scheme.test(rest)) rest = rest.replace(scheme, "").trim()
  return rest
}

/** What stands between the commas. */
export const piecesOf = (text: string): ReadonlyArray<string> =>
  text.split(",").map((piece) => piece.trim()).filter((piece) => piece !== "")

const words = new Set(
  "undefined null nil none nan true false yes no on off void empty unset n/a na".split(" ")
)

const placeholders = new Set(
  "changeme change-me change_me replaceme replace-me replace_me placeholder todo tbd token-here fly_api_token fly_access_token"
    .split(" ")
)

const masks = new Set("redacted masked hidden".split(" "))

/** Names of what reads a secret from elsewhere, as they stand before a colon. */
const references =
  /^(?:op|vault|bao|aws-sm|aws-ssm|awssm|awsssm|gcp-sm|gcpsm|gcp-secretmanager|azurekv|akv|keyvault|secretref|secret|secrets|ref\+[a-z0-9]+|doppler|infisical|bws|bw|lpass|keyring|keychain|sops|ssm|env|arn:aws[a-z-]*):|^@microsoft\.keyvault\(|^projects\/[^/]+\/secrets\//i

/** As this package, Effect and many a log print a secret. */
const printed = /^(?:fo1_|fm1[ar]_|fm2_)?<(?:redacted\b[^>]*|flytoken [0-9a-f]*)>$/i

const masked = /[*•●]{3}|\.{3}$|…/

const printable = /^[\x21-\x7e]*$/

const label = /^(?:fm1r|fm1a|fm2|fo1)_/

const begins = (pattern: RegExp) => (text: string) => pattern.test(text)

/** A text that stands for none, also behind the label of a token. */
const wordOf = (piece: string): Look | undefined => {
  const bare = piece.replace(label, "").toLowerCase()
  if (words.has(bare)) return looks.word
  if (masks.has(bare)) return looks.printed
  return placeholders.has(bare) || /^(?:x{3,}|(?:your|insert|enter|paste)[-_.].*|[._~+/=-]+)$/.test(bare)
    ? looks.placeholder
    : bare.endsWith("...")
    ? looks.printed
    : undefined
}

/** How a token or its scheme begins in base64: `fo1_`, `fm2_`, `fm1r_`, `fm1a_`, `FlyV1 `, `Bearer `. */
const encoded = /^(?:Zm8xX[w-z0-9+/]|Zm0yX[w-z0-9+/]|Zm0x(?:cl|YV)[89+/]|Rmx5VjEg|QmVhcmVyI[A-P])/

/** No placeholder is longer. */
const longestWord = 64

/** What a piece looks like that has no other characters than a credential has. */
const pieceLook = (piece: string): Look | undefined => {
  // Most tokens: nothing of that kind is so long.
  if (piece.length > longestWord && label.test(piece)) return undefined
  if (/^(?:~|\.{1,2})?\//.test(piece)) return looks.path
  if (references.test(piece)) return looks.reference
  return encoded.test(piece) ? looks.encoded : wordOf(piece)
}

/** In this order: a quoted assignment is in quotes, and an assignment of quotes is an assignment. */
const textLooks: ReadonlyArray<readonly [Look, (text: string) => boolean]> = [
  [looks.word, (text) => words.has(text.toLowerCase()) || /^\[object [a-z]+\]$/i.test(text)],
  [looks.printed, (text) => printed.test(text) || (!isMacaroon(text) && masked.test(text))],
  [looks.pem, begins(/^["']?-----BEGIN /)],
  [looks.header, begins(/^(?:-H *)?["']?(?:proxy-)?authorization *:/i)],
  [looks.variable, begins(/\$\{|\$\(|\$[A-Za-z_]|\{\{|<%|#\{|%[A-Za-z_][A-Za-z0-9_]*%/)],
  [looks.assignment, begins(/^(?:(?:export|set|setx|env|declare|-e|-) +)*[A-Za-z_][A-Za-z0-9_.-]* *(?:=(?!=*$)|: )/)],
  [looks.json, begins(/^["']?[{[].*["':{[]/s)],
  [looks.quotes, begins(/^["'`\u00ab\u00bb\u2018-\u201f\u2039\u203a]|["'`\u00ab\u00bb\u2018-\u201f\u2039\u203a]$/)],
  [looks.placeholder, begins(/^(?:fo1_|fm1[ar]_|fm2_)?[<[({][^<>]*[>\])}]$/)],
  [looks.reference, (text) => references.test(text)],
  [looks.path, begins(/^(?:file:|[A-Za-z]:[\\/]|\\\\|(?:~|\.{1,2})?[\\/])/i)],
  [looks.url, begins(/^[a-z][a-z0-9+.-]*:\/\//i)]
]

/** The sentence about a value that has no text. */
export const notText: string = looks.object.why

const textLook = (text: string): Look | undefined => textLooks.find(([, matches]) => matches(text))?.[0]

const firstLook = (texts: ReadonlyArray<string>, lookOf: (text: string) => Look | undefined): Look | undefined => {
  for (const text of texts) {
    const look = lookOf(text)
    if (look !== undefined) return look
  }
  return undefined
}

/** Enough to see what is wrong; each of them takes its time. */
const oddLookedAt = 16

/**
 * Why a text without a scheme cannot be a credential, as a sentence that holds nothing of it; `undefined` if each of its
 * pieces can be one.
 */
export const defectOf = (text: string): string | undefined => {
  const pieces = piecesOf(text)
  const odd = pieces.filter((piece) => !credential.test(piece))
  const look = odd.length === 0
    ? firstLook(pieces, pieceLook)
    : firstLook([text, ...odd.slice(0, oddLookedAt)], textLook)
  // What is in a macaroon is decoded, and that says it better.
  const decodes = odd.every((piece) => isMacaroon(piece) && printable.test(piece))
  return (look ?? (decodes ? undefined : looks.character))?.why
}

/** What to do about a text that is no token, by the sentence that says why. */
export const remedyOf = (why: string): string =>
  Object.values(looks).find((look) => why === look.why)?.remedy ?? looks.character.remedy

import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { FlyToken, Macaroon, MissReason } from "../../src/index.ts"
import * as mac from "../stand-in/macaroon.mjs"

const minted = mac.orgToken({ now: Date.now(), life: 600 })
const secret = "fo1_hush-hush"

/** What a text that is no token is said to look like. */
const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["it is in quotes", [
    `"${secret}"`,
    `'${secret}'`,
    `\`${secret}\``,
    `“${secret}”`,
    `«${secret}»`,
    `"${secret}`,
    `${secret}'`,
    `Bearer "${secret}"`,
    `"${minted}"`,
    `${minted}"`,
    `${secret},"${secret}"`
  ]],
  [
    "it is a word that programs write where there is no value",
    [
      "undefined",
      "null",
      "NULL",
      "None",
      "nil",
      "NaN",
      "true",
      "False",
      "[object Object]",
      "Bearer undefined",
      `${minted},null`
    ]
  ],
  ["it is a variable or a template that was not expanded", [
    "${FLY_API_TOKEN}",
    "$FLY_API_TOKEN",
    "${FLY_API_TOKEN:-none}",
    "Bearer $TOKEN",
    "%FLY_API_TOKEN%",
    "$env:FLY_API_TOKEN",
    "${{ secrets.FLY_API_TOKEN }}",
    "{{ .Values.token }}",
    "<%= token %>",
    "$(cat token)",
    "fo1_${REST}",
    "\"${FLY_API_TOKEN}\""
  ]],
  ["it is a placeholder", [
    "<your-token>",
    "[token]",
    "{token}",
    "xxx",
    "XXXXXXXX",
    "fo1_xxxxx",
    "your-token-here",
    "YOUR_FLY_TOKEN",
    "changeme",
    "FLY_API_TOKEN",
    "---",
    "fo1_<token>"
  ]],
  ["it is what is printed in place of a token", [
    "***",
    "fo1_***",
    "<redacted>",
    "<redacted:FlyToken>",
    "fo1_<redacted>",
    "fm2_<redacted>",
    "REDACTED",
    "fo1_abcd…",
    "fo1_abcd...",
    "••••••••",
    String(FlyToken.make(secret))
  ]],
  ["it is JSON", [`{"token":"${secret}"}`, `["${secret}"]`, `{ "token": "${minted}" }`, `'{"token":"x"}'`]],
  ["it is an assignment", [
    `FLY_API_TOKEN=${secret}`,
    `export FLY_API_TOKEN=${secret}`,
    `FLY_API_TOKEN="${secret}"`,
    `FLY_API_TOKEN=${minted}`,
    `access_token: ${secret}`,
    `set FLY_API_TOKEN=${secret}`
  ]],
  ["it is a reference to a secret", [
    "op://vault/fly/token",
    "vault:secret/data/fly#token",
    "aws-sm://fly/token",
    "ref+vault://secret/fly#/token",
    "secretref:fly-token",
    "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/fly)",
    "arn:aws:secretsmanager:eu-west-1:1:secret:fly",
    "projects/mine/secrets/fly/versions/1"
  ]],
  ["it is a header with its name", [`Authorization: Bearer ${secret}`, `-H "Authorization: ${minted}"`]],
  ["it is a URL", ["https://fly.io/user/personal_access_tokens", "postgres://me:pw@host/db"]],
  ["it is a token in base64", [
    btoa(secret),
    btoa(minted),
    btoa(`Bearer ${secret}`),
    btoa("fm2_x"),
    btoa("fm1r_x"),
    btoa("fm1a_x")
  ]],
  ["it is a key or a certificate (PEM)", ["-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"]],
  ["it is a path", [
    "/run/secrets/fly",
    "~/.fly/config.yml",
    "./token",
    "../token",
    "C:\\token.txt",
    "file:///run/token"
  ]],
  ["it holds a space, a line break or another character that no token has", [
    "two words",
    "tok\r\nX-Evil: 1",
    "fo1_\u200bx",
    "tökén",
    "<html><body>no</body></html>",
    "fo1_a;fo1_b"
  ]]
]

const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/-"

/** One piece as RFC 6750 has it; `=` stands at the end only. */
const credential = fc.tuple(
  fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 60 }),
  fc.constantFrom("", "", "=", "==")
).map((parts) => parts.join(""))

const inGrammar = /^[A-Za-z0-9._~+/-]+=*$/

/** Texts of the grammar that are none all the same; what follows a macaroon's label is another question. */
const isWord = (text: string) =>
  Macaroon.isMacaroon(text) || /^(?:~|\.{1,2})?\//.test(text) || /\.{3}$/.test(text) || !/[A-Za-z0-9]/.test(text) ||
  text.length < 16

describe("a text that cannot be a credential", () => {
  describe.each(cases)("%s", (why, texts) => {
    it.each(texts)("%j", (text) => {
      const token = FlyToken.make(text)
      expect(token.malformed).toBe(why)
      const { hint, message } = new MissReason.Malformed({ why })
      expect(message + hint).not.toContain("hush")
      // What is known of it has a remedy of its own.
      expect(hint === "copy the whole token again, on one line").toBe(why.startsWith("it holds"))
    })
  })

  it("of quotes the remedy is to remove them", () => {
    expect(new MissReason.Malformed({ why: FlyToken.make("\"fo1_x\"").malformed! }).hint).toBe("remove the quotes")
  })

  it("is never usable, whatever stands around it and beside it", () => {
    const odd = fc.string({ unit: "binary", minLength: 1, maxLength: 40 })
      .filter((text) => text.split(",").some((piece) => piece.trim() !== "" && !inGrammar.test(piece.trim())))
      .filter((text) => !/^(?:bearer|flyv1) /i.test(text.trim()))
    fc.assert(
      fc.property(fc.constantFrom("", "Bearer ", "FlyV1 ", `${minted},`, `${secret},`), odd, (before, text) => {
        expect(FlyToken.make(before + text).malformed).toBeDefined()
      }),
      { numRuns: 2_000 }
    )
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."aZ9_=\"'$%{}<>:;@!*() \t\u0000\u200b"), minLength: 1 }),
        (text) => {
          const pieces = text.trim().split(",").filter((piece) => piece !== "")
          if (!pieces.every((piece) => inGrammar.test(piece))) expect(FlyToken.make(text).malformed).toBeDefined()
        }
      ),
      { numRuns: 2_000 }
    )
  })
})

describe("a text that can be one", () => {
  it.each([
    "fo1_abc",
    "fo1_AbC-dEf_GhI012",
    "foobar",
    "0123456789abcdef0123456789abcdef01234567",
    "wJalrXUtnFEMI_K7MDENG-bPxRfiCYEXAMPLEKEY43c",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY==",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
    "nullable",
    "truely",
    "fo1_none-of-yours"
  ])("%j is usable", (text) => {
    expect(FlyToken.make(text).malformed).toBeUndefined()
    expect(FlyToken.make(`${minted},${text}`).malformed).toBeUndefined()
  })

  it("is usable, but for words, placeholders and paths", () => {
    fc.assert(
      fc.property(credential, (text) => {
        if (!isWord(text)) expect(FlyToken.make(text).malformed).toBeUndefined()
      }),
      { numRuns: 5_000 }
    )
  })
})

describe("a text that is too long", () => {
  it.each([",a", "Bearer ", "!,"])("of %j again and again is said to be so, and nothing of it is kept", (piece) => {
    const token = FlyToken.make(piece.repeat(500_000))
    expect(token.malformed).toBe("it is longer than 65536 characters")
    expect(token.value).toBe("")
  })

  it("counts without its scheme and the space around it", () => {
    const longest = `fo1_${"x".repeat(65_532)}`
    expect(FlyToken.make(`  Bearer ${longest}\n`).malformed).toBeUndefined()
    expect(FlyToken.make(`Bearer ${longest}x`).malformed).toBe("it is longer than 65536 characters")
  })
})

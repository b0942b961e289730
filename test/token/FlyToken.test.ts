import { describe, expect, it } from "@effect/vitest"
import * as Equal from "effect/Equal"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { FlyToken } from "../../src/index.ts"
import * as mac from "../stand-in/macaroon.mjs"

const now = 1_700_000_000

/** A permission macaroon with its discharge, whose ends can be set. */
const bundle = (options: { readonly own?: number; readonly discharge?: number; readonly org?: number } = {}) => {
  const ticket = crypto.getRandomValues(new Uint8Array(24))
  const permission = mac.piece({
    caveats: [
      mac.organization(options.org ?? 1, mac.maskAll),
      mac.thirdParty(ticket),
      ...(options.own === undefined ? [] : [mac.validityWindow(now, options.own)])
    ]
  })
  const discharge = mac.piece({
    kid: ticket,
    location: mac.authLocation,
    proof: true,
    caveats: options.discharge === undefined ? [] : [mac.validityWindow(now, options.discharge)]
  })
  return { permission, discharge, both: `${permission},${discharge}` }
}

const seconds = (token: FlyToken) => token.expiresAt === null ? null : token.expiresAt / 1000

describe("splitting and headers", () => {
  const { discharge, permission } = bundle()

  it.each([
    ["FlyV1 ", "one scheme"],
    ["Bearer FlyV1 ", "two schemes"],
    ["FLYV1 bearer  flyv1 ", "three schemes in any case, two spaces"],
    ["  ", "spaces before"]
  ])("%j is taken off", (prefix) => {
    const token = FlyToken.make(`${prefix}${permission} , ${discharge}\n`)
    expect(token.malformed).toBeUndefined()
    expect(token.value).toBe(`FlyV1 ${permission},${discharge}`)
  })

  it("puts macaroons and user tokens into the header of each API", () => {
    const token = FlyToken.make(`fo1_user,${permission},${discharge}`)
    expect(token.authorization("machines")).toBe(`FlyV1 ${permission},${discharge}`)
    expect(token.authorization("graphql")).toBe(`FlyV1 ${permission},${discharge},fo1_user`)
    expect(FlyToken.make("Bearer fo1_user").authorization("machines")).toBe("Bearer fo1_user")
    expect(FlyToken.make("Bearer fo1_user").authorization("graphql")).toBe("Bearer fo1_user")
    expect(FlyToken.make("Bearer fo1_user").value).toBe("fo1_user")
  })

  it("knows the old labels", () => {
    expect(FlyToken.make("fm1r_AAAA,fm1a_BBBB,fm3_CCCC").size).toEqual({ macaroons: 2, userTokens: 1 })
  })

  it("keeps the order of macaroons and drops none", () => {
    const pieces = [bundle(), bundle(), bundle()].flatMap((each) => [each.permission, each.discharge])
    expect(FlyToken.make(pieces.join(",")).value).toBe(`FlyV1 ${pieces.join(",")}`)
  })

  it("takes redacted text", () => {
    expect(FlyToken.make(Redacted.make("fo1_user")).value).toBe("fo1_user")
  })
})

describe("expiry and discharges", () => {
  it.each([
    [{ own: now + 60, discharge: now + 90 }, now + 60],
    [{ own: now + 90, discharge: now + 60 }, now + 60],
    [{ discharge: now + 60 }, now + 60],
    [{ own: now + 60 }, now + 60],
    [{}, null]
  ])("%j ends at %s", (ends, expected) => {
    const token = FlyToken.make(bundle(ends).both)
    expect(seconds(token)).toBe(expected)
    expect(token.discharged).toBe(true)
  })

  it("counts windows inside IfPresent", () => {
    const token = FlyToken.make(mac.piece({
      caveats: [
        mac.ifPresent([mac.validityWindow(now, now + 5), mac.ifPresent([mac.validityWindow(now, now + 3)], 1)], 1)
      ]
    }))
    expect(seconds(token)).toBe(now + 3)
  })

  it("takes the least of several matching discharges", () => {
    const ticket = crypto.getRandomValues(new Uint8Array(24))
    const discharge = (end: number) =>
      mac.piece({ kid: ticket, location: "https://auth.fly.io", caveats: [mac.validityWindow(now, end)] })
    const permission = mac.piece({ caveats: [mac.thirdParty(ticket)] })
    expect(seconds(FlyToken.make([permission, discharge(now + 9), discharge(now + 4)].join(",")))).toBe(now + 4)
  })

  it("says what is missing without its discharge", () => {
    const token = FlyToken.make(bundle({ own: now + 60 }).permission)
    expect(token.malformed).toBeUndefined()
    expect(token.discharged).toBe(false)
    expect(token.missingDischarges).toEqual([mac.authLocation])
    expect(seconds(token)).toBe(now + 60)
  })

  it("does not take the discharge of another ticket", () => {
    const token = FlyToken.make(`${bundle().permission},${bundle().discharge}`)
    expect(token.discharged).toBe(false)
  })

  it("is usable if one of several permission macaroons is, and ends with the first of those", () => {
    const first = bundle({ own: now + 30, discharge: now + 300, org: 1 })
    const second = bundle({ own: now + 600, org: 2 })
    const third = bundle({ own: now + 900, org: 3 })
    const token = FlyToken.make([first.permission, second.both, third.both].join(","))
    expect(token.discharged).toBe(true)
    expect(token.missingDischarges).toEqual([])
    expect(seconds(token)).toBe(now + 600)
    expect(token.orgIds).toEqual([1n, 2n, 3n])
  })

  it("does not know the expiry of user tokens", () => {
    expect(FlyToken.make("fo1_user").expiresAt).toBeNull()
    expect(FlyToken.make("fo1_user").discharged).toBe(true)
  })

  it("reads numbers up to 2^64 − 1", () => {
    const id = 2n ** 64n - 1n
    const token = FlyToken.make(mac.piece({ caveats: [[0, [id, 1]], [2n ** 63n + 1n, ["anything"]]] }))
    expect(token.malformed).toBeUndefined()
    expect(token.orgIds).toEqual([id])
  })
})

describe("read-only", () => {
  const piece = (...caveats: ReadonlyArray<mac.CaveatPair>) => FlyToken.make(mac.piece({ caveats }))
  it("needs a caveat that leaves nothing but reading, in each permission macaroon", () => {
    expect(piece(mac.organization(1, mac.maskAll)).readOnly).toBe(false)
    expect(piece(mac.organization(1, mac.maskAll), mac.organization(1, 1)).readOnly).toBe(true)
    expect(piece(mac.organization(1, mac.maskAll), mac.action(1)).readOnly).toBe(true)
    expect(piece(mac.organization(1, mac.maskAll), mac.apps({ 5: 1 })).readOnly).toBe(true)
    expect(piece(mac.organization(1, mac.maskAll), mac.apps({ 5: 1, 6: 3 })).readOnly).toBe(false)
    const readOnly = mac.piece({ caveats: [mac.action(1)] })
    expect(FlyToken.make(`${readOnly},${mac.piece({})}`).readOnly).toBe(false)
    expect(FlyToken.make(`${readOnly},fo1_user`).readOnly).toBe(false)
    expect(FlyToken.make("fo1_user").readOnly).toBe(false)
  })
})

describe("what is no token", () => {
  const { both, discharge, permission } = bundle({ own: now + 60 })

  it.each([
    ["", "empty"],
    [" \n\t", "empty"],
    [",,", "empty"],
    ["Bearer", "cut off"],
    ["FlyV1 ", "cut off"],
    ["fm2", "cut off"],
    ["fo1_", "cut off"],
    [`${permission},fm`, "cut off"],
    ["tok\r\nX-Evil: 1", "line break"],
    ["tok\u0000en", "character"],
    ["two words", "space"],
    ["\u001b[31mtoken", "character"],
    ["tökén", "character"],
    ["fm2_***", "base64"],
    ["fm2_AAA", "base64"],
    ["fm2_", "MessagePack"],
    ["fm2_AAAA", "MessagePack"],
    [permission.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""), "macaroon 1 of 1"],
    [discharge, "permits"],
    ["x".repeat(70_000), "longer"],
    [`fm2_${"A".repeat(30_000)}`, "longer"]
  ])("%j is malformed", (text, why) => {
    const token = FlyToken.make(text)
    expect(token.malformed).toContain(why)
    expect(token.expiresAt).toBeNull()
    expect(token.discharged).toBe(false)
  })

  it("is what is no text", () => {
    const token = FlyToken.make("fo1_user")
    const proxy = new Proxy(token, {})
    for (const value of [undefined, null, 7, {}, ["fo1_x"], structuredClone(token), Redacted.make(7), proxy]) {
      expect(FlyToken.make(value as never).malformed).toContain("neither a text nor a token")
    }
    expect(FlyToken.make(JSON.parse(JSON.stringify(token))).malformed).toContain("printed in place of a token")
    expect(FlyToken.make(structuredClone(token.redacted) as never).malformed).toContain("neither a text nor a token")
    expect(FlyToken.make(token)).toBe(token)
  })

  it("is what is left when any byte of the end is missing", () => {
    const whole = `FlyV1 ${both}`
    for (let length = 0; length < whole.length; length++) {
      const token = FlyToken.make(whole.slice(0, length))
      // After the whole permission macaroon nothing is cut: its discharge is what lacks.
      const undischarged = token.malformed === undefined && !token.discharged
      expect(token.malformed !== undefined || undischarged, `cut after ${length}`).toBe(true)
    }
  })

  it("is a caveat that we know in a form that we do not", () => {
    for (
      const caveat of [
        [0, [1]],
        [0, [1, "r"]],
        [0, [-1, 1]],
        [3, [[1]]],
        [4, ["a", "b"]],
        [4, [1.5, 2]],
        [11, ["x", 1, 2]],
        [13, [
          1,
          2
        ]],
        [13, [[0], 1]],
        [26, "r"]
      ] as const
    ) {
      expect(FlyToken.make(mac.piece({ caveats: [caveat] })).malformed, JSON.stringify(caveat)).toContain("caveat")
    }
  })

  it("is IfPresent nested without end", () => {
    let caveat = mac.ifPresent([], 1)
    for (let i = 0; i < 40; i++) caveat = mac.ifPresent([caveat], 1)
    expect(FlyToken.make(mac.piece({ caveats: [caveat] })).malformed).toContain("nested too deeply")
  })
})

describe("secrecy", () => {
  const secret = bundle().both
  const token = FlyToken.make(`${secret},fo1_topsecret`)
  const shown = [
    String(token),
    `${token}`,
    JSON.stringify({ token }),
    inspect(token),
    inspect({ deep: { token } }, { depth: 9, showHidden: true, getters: false }),
    inspect(new Map([[token, token]])),
    JSON.stringify(Object.entries(token)),
    String(token.redacted),
    inspect(token.redacted),
    JSON.stringify(token.redacted)
  ]
  it("shows the fingerprint and nothing else", () => {
    expect(token.fingerprint).toMatch(/^[0-9a-f]{8}$/)
    for (const text of shown) {
      expect(text).not.toContain("topsecret")
      expect(text).not.toContain(secret.slice(0, 30))
    }
    expect(String(token)).toBe(`<FlyToken ${token.fingerprint}>`)
  })
})

describe("equality", () => {
  it("goes by the text, whatever its scheme", () => {
    const { both } = bundle()
    expect(Equal.equals(FlyToken.make(both), FlyToken.make(`Bearer FlyV1 ${both}`))).toBe(true)
    expect(Equal.equals(FlyToken.make(both), FlyToken.make(`${both},fo1_x`))).toBe(false)
    expect(FlyToken.make(both).identity).toBe(FlyToken.make(`${both},fo1_x`).identity)
    expect(FlyToken.make("fo1_x").identity).not.toBe(FlyToken.make("fo1_y").identity)
  })
})

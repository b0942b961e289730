import { describe, expect, it } from "vitest"
import { FlyToken } from "../../src/index.ts"
import { mintLimits, notBefore } from "../../src/token/Grants.ts"
import * as mac from "../stand-in/macaroon.mjs"

const now = 1_790_000_000_000
const ticket = new Uint8Array(40)
const limitsOf = (...pieces: ReadonlyArray<string>) => mintLimits(FlyToken.make(pieces.join(",")))
const permission = (...caveats: ReadonlyArray<mac.CaveatPair>) => mac.piece({ caveats })
const login = (...caveats: ReadonlyArray<mac.CaveatPair>) =>
  permission(mac.organization(1, mac.maskAll), mac.thirdParty(ticket, "https://auth.fly.io"), ...caveats)

describe("who may mint", () => {
  it("a user token may, alone or beside macaroons", () => {
    expect(limitsOf("fo1_user")).toEqual([])
    expect(limitsOf(mac.orgToken({ now, life: 60, scheme: false }), "fo1_user")).toEqual([])
  })
  it("the macaroons of a login may, one per organization", () => {
    expect(limitsOf(login(), login())).toEqual([])
    expect(limitsOf(permission(mac.thirdParty(ticket)))).toEqual([])
  })
  it("a login that was narrowed may not", () => {
    expect(limitsOf(login(mac.action(1)))).toEqual(["reading"])
    expect(limitsOf(login([6, [["addCertificate"]]]))).toEqual(["some mutations"])
    expect(limitsOf(login(), login(mac.action(1)))).toEqual([])
  })
  it("a token that was made for something may not", () => {
    expect(limitsOf(mac.orgToken({ now, life: 60, scheme: false }))).toEqual(["one organization", "reading"])
    expect(limitsOf(mac.orgToken({ now, life: 60, scheme: false, readOnly: false }))).toEqual(["one organization"])
    expect(limitsOf(mac.deployToken({ now, life: 60, scheme: false }))).toEqual(["one organization", "one app"])
    expect(limitsOf(permission(mac.apps({ 1: 31, 2: 31 })))).toEqual(["2 apps"])
    expect(limitsOf(permission([27, []]))).toEqual(["some commands"])
  })
  it("of what is no token nothing is said", () => {
    expect(limitsOf("fm2_broken")).toEqual([])
    expect(limitsOf("")).toEqual([])
  })
})

describe("when a token begins", () => {
  it("is the latest begin of its windows, of its discharges too", () => {
    expect(notBefore(FlyToken.make("fo1_user"))).toBe(null)
    expect(notBefore(FlyToken.make(mac.orgToken({ now, life: 60 })))).toBe(now)
    const two = [mac.validityWindow(5, 90), mac.ifPresent([mac.validityWindow(7, 90)], 1)]
    expect(notBefore(FlyToken.make(permission(...two)))).toBe(7_000)
  })
})

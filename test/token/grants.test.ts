import { describe, expect, it } from "@effect/vitest"
import { FlyToken } from "../../src/index.ts"
import * as Usability from "../../src/policy/Usability.ts"
import * as Grants from "../../src/token/Grants.ts"
import * as mac from "../stand-in/macaroon.mjs"

const now = Date.UTC(2026, 10, 28)
const ofOrg = (org: number, discharged = true) => mac.orgToken({ now, life: 600, org, discharged, scheme: false })
const ofApp = (org: number, app: number) => mac.deployToken({ now, life: 600, org, app, scheme: false })
const place = (org?: bigint, app?: bigint): Grants.Place => ({ org, app })
const token = (...pieces: ReadonlyArray<string>) => FlyToken.make(pieces.join(","))

const fit = { _tag: "Fit" }
const noOrg = { _tag: "Unfit", lacks: "organization" }
const noApp = { _tag: "Unfit", lacks: "app" }
const undischarged = { _tag: "Undischarged", locations: [mac.authLocation] }

describe("what a token can serve, read offline", () => {
  it.each([
    ["its organization", token(ofOrg(1)), place(1n), fit],
    ["not another one", token(ofOrg(1)), place(2n), noOrg],
    ["one of several organizations", token(ofOrg(1), ofOrg(2)), place(2n), fit],
    ["the one without its discharge", token(ofOrg(1), ofOrg(2, false)), place(2n), undischarged],
    ["the one with it, beside one without", token(ofOrg(1), ofOrg(2, false)), place(1n), fit],
    ["another one, macaroons beside a user token", token(ofOrg(1), "fo1_user"), place(2n), noOrg],
    ["any, as a user", token("fo1_user"), place(2n), fit],
    ["its app", token(ofApp(1, 10)), place(1n, 10n), fit],
    ["another app", token(ofApp(1, 10)), place(1n, 11n), noApp],
    ["an app whose number is not known", token(ofApp(1, 10)), place(1n), fit],
    ["an app of another organization", token(ofApp(1, 10)), place(2n, 10n), noOrg],
    ["an app with a token of its organization", token(ofOrg(1)), place(1n, 10n), fit],
    ["where nothing is known", token(ofOrg(1)), place(), fit],
    ["all organizations", token(mac.piece({ caveats: [mac.organization(0, 31)] })), place(7n), fit],
    ["all apps", token(mac.piece({ caveats: [mac.apps({ 0: 31 })] })), place(7n, 9n), fit],
    ["nothing, by an empty mask", token(mac.piece({ caveats: [mac.organization(7, 0)] })), place(7n), noOrg],
    ["whatever, without such caveats", token(mac.piece({ caveats: [mac.action(1)] })), place(7n, 9n), fit],
    [
      "no two organizations at once",
      token(mac.piece({ caveats: [mac.organization(1, 31), mac.organization(2, 31)] })),
      place(1n),
      noOrg
    ],
    ["what is no token is judged elsewhere", token("fm2_x"), place(1n), fit]
  ])("%s", (_, token, place, expected) => {
    expect(Grants.fitness(token, place)).toEqual(expected)
  })

  it("as a miss says what is lacking", () => {
    expect(Usability.unfit(token(ofOrg(1)), place(2n))?._tag).toBe("Insufficient")
    expect(Usability.unfit(token(ofOrg(1, false)), place(1n))?.message).toContain(mac.authLocation)
    expect(Usability.unfit(token(ofOrg(1)), place(1n))).toBeUndefined()
  })

  it.each([
    ["one organization", token(ofOrg(1)), place(1n)],
    ["one app of one organization", token(ofApp(1, 10)), place(1n, 10n)],
    ["none of several", token(ofOrg(1), ofOrg(2)), place()],
    ["none of all", token(mac.piece({ caveats: [mac.organization(0, 31), mac.apps({ 0: 31 })] })), place()],
    ["none of a user", token("fo1_user"), place()],
    ["no app whose number is none", token(mac.piece({ caveats: [mac.apps({ x: 31 })] })), place()],
    ["no app beside such a one", token(mac.piece({ caveats: [mac.apps({ 7: 31, x: 31 })] })), place()],
    ["none of what is no token", token("fm2_x"), place()]
  ])("numbers are told by %s", (_, token, expected) => {
    expect(Grants.placeOf(token)).toEqual(expected)
  })
})

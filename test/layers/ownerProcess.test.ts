/**
 * When a lease's owner is gone for certain, as a table.
 */
import { assert, describe, it } from "@effect/vitest"
import { type Identity, isGone, type Look, parseStat } from "../../src/layers/file/OwnerProcess.ts"

const here: Identity = { host: "box", boot: "b1", namespace: "pid:[1]", started: "900" }
const owner: Identity = { ...here, started: "100" }
const mac: Identity = { host: "box" }

const absent: Look = { _tag: "Absent" }
const zombie: Look = { _tag: "Zombie" }
const there = (started?: string): Look => ({ _tag: "There", started })

const { boot: _, ...bootless } = owner
const { namespace: __, ...nowhere } = owner

describe("an owner is gone", () => {
  it.each<[string, Identity | undefined, Identity | undefined, Look, boolean]>([
    ["if there is no such process", owner, here, absent, true],
    ["if it is a zombie", owner, here, zombie, true],
    ["if the process of that id began at another time", owner, here, there("500"), true],
    ["not if it is there", owner, here, there("100"), false],
    ["not if there is a process, and nobody knows since when", owner, here, there(), false],
    ["not if it did not say since when it is there", mac, mac, there("100"), false],
    ["where ids are all that there is, if there is none", mac, mac, absent, true],
    ["not if it is of another host", { ...owner, host: "other" }, here, absent, false],
    ["not if it is of another start of the kernel", { ...owner, boot: "b2" }, here, absent, false],
    ["not if it is of another container", { ...owner, namespace: "pid:[2]" }, here, absent, false],
    ["not if it is of another container, as a zombie", { ...owner, namespace: "pid:[2]" }, here, zombie, false],
    [
      "not if it is of another container, with an id of ours",
      { ...owner, namespace: "pid:[2]" },
      here,
      there("5"),
      false
    ],
    ["not if it did not say which start of the kernel", bootless, here, absent, false],
    ["not if it did not say which namespace", nowhere, here, absent, false],
    ["not if it is of a system of another kind", mac, here, absent, false],
    ["not if it said nothing", undefined, here, absent, false],
    ["not if we do not know where we are", owner, undefined, absent, false],
    ["not if nobody knows", undefined, undefined, absent, false]
  ])("%s", (_, owner, here, look, expected) => {
    assert.strictEqual(isGone(owner, here, look), expected)
  })
})

describe("/proc/<pid>/stat", () => {
  const rest = "1 2 3 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 10 0 46280 1473921024 11554"
  it.each<[string, ReturnType<typeof parseStat>]>([
    [`8974 (node) S ${rest}\n`, { pid: 8974, state: "S", started: "46280" }],
    [`8974 (MainThread) Z ${rest}`, { pid: 8974, state: "Z", started: "46280" }],
    [`7 (a b) R (x) 1 2) R ${rest}`, { pid: 7, state: "R", started: "46280" }],
    [`7 () R ${rest}`, { pid: 7, state: "R", started: "46280" }],
    ["", undefined],
    ["7 (node) S 1 2 3", undefined],
    ["node S 1 2 3", undefined],
    [`x (node) S ${rest}`, undefined],
    [`7 (node) S ${rest.replace("46280", "soon")}`, undefined]
  ])("%j", (text, expected) => {
    assert.deepStrictEqual(parseStat(text), expected)
  })
})

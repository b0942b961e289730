/** For whom no token is minted for a while, because the last one could not be used or flyctl was cut off. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Background } from "../concurrency/Background.ts"
import * as CliReasons from "../policy/CliReasons.ts"
import * as MintPolicy from "../policy/MintPolicy.ts"
import type { RefreshSettings } from "../policy/RefreshPolicy.ts"
import type { MissReason } from "../services/MissReason.ts"

/** Who asks. It is found out behind the callers' backs: the config file may hang. */
type Login = Effect.Effect<string | undefined>

type Failure = Omit<MintPolicy.Failure, "logins">

/** Pauses by label: of an organization, of an app, or of the question which organization an app is in. */
export interface MintPauses {
  /**
   * Why flyctl is not to be asked now, for whom it would be asked with this login. A pause that is outdated ends here,
   * and what it counted is forgotten.
   */
  readonly reason: (label: string, login: Login) => Effect.Effect<MissReason | undefined>
  /** Notes that what was minted with a login is of no use. */
  readonly unusable: (label: string, failure: Failure, login: Login) => void
  /** Notes how a run of flyctl failed. What leaves no traces at Fly ends a pause that does not last: it is another cause. */
  readonly failed: (label: string, failure: Failure, login: Login) => void
  /**
   * Of what this or another process minted, the newest tells whether a mint is of use. Takes when the token of a record
   * was minted, epoch milliseconds, and why it is of no use, and with which logins, if it is not.
   */
  readonly learn: (label: string, mintedAt: number, useless: MintPolicy.Failure | undefined) => void
  readonly end: (label: string) => void
  /** Somebody asks for another try; by default for all. */
  readonly hasten: (label?: string) => void
}

/** Below this many the pauses that are over cost less than looking for them. */
const firstSweep = 1_000

/** A count of failures that nothing has followed for so long counts no more, milliseconds. */
const forgottenAfter = 3_600_000

export const make = (settings: RefreshSettings, random: () => number, fork: Background["fork"]): MintPauses => {
  const pauses = new Map<string, MintPolicy.Pause>()
  let sweepAt = firstSweep

  const sweep = (now: number) => {
    if (pauses.size < sweepAt) return
    for (const [label, { until }] of pauses) {
      if (now >= until + forgottenAfter) pauses.delete(label)
    }
    sweepAt = Math.max(firstSweep, 2 * pauses.size)
  }

  const note = (label: string, failure: MintPolicy.Failure) => {
    pauses.set(label, MintPolicy.pauseAfter(pauses.get(label), failure, settings, random()))
    sweep(failure.at)
  }

  const unusable: MintPauses["unusable"] = (label, failure, login) => {
    note(label, { ...failure, logins: [] })
    fork(Effect.map(login, (name) => {
      const pause = pauses.get(label)
      if (name !== undefined && pause?.logins.length === 0) pauses.set(label, { ...pause, logins: [name] })
    }))
  }

  const end = (label: string) => {
    pauses.delete(label)
  }

  return {
    reason: Effect.fnUntraced(function*(label, login) {
      // Mostly there is none, and nobody needs to know who is logged in.
      if (!pauses.has(label)) return undefined
      const name = yield* login
      const now = yield* Clock.currentTimeMillis
      const pause = pauses.get(label)
      if (pause === undefined) return undefined
      if (!MintPolicy.isOutdated(pause, now, name)) return now < pause.until ? pause.reason : undefined
      end(label)
      return undefined
    }),
    unusable,
    failed: (label, failure, login) => {
      if (CliReasons.leavesTraces(failure.reason)) return unusable(label, failure, login)
      const pause = pauses.get(label)
      const left = pause === undefined ? undefined : MintPolicy.outlasting(pause)
      if (left === undefined) end(label)
      else pauses.set(label, left)
    },
    learn: (label, mintedAt, useless) => {
      const pause = pauses.get(label)
      if (pause !== undefined && mintedAt <= pause.at) return
      if (useless === undefined) return end(label)
      const { logins } = useless
      // A record that was put there in other ways says nothing of mints, and one of other logins nothing of this one's.
      const tells = pause === undefined ? logins.length > 0 : pause.logins.some((login) => logins.includes(login))
      if (tells) note(label, useless)
    },
    end,
    hasten: (label) => {
      for (const each of label === undefined ? [...pauses.keys()] : [label]) {
        const pause = pauses.get(each)
        if (pause !== undefined) pauses.set(each, MintPolicy.hastened(pause))
      }
    }
  }
}

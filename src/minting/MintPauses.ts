/** For whom no token is minted for a while, because the last one could not be used or flyctl was cut off. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as MintPolicy from "../policy/MintPolicy.ts"
import type { RefreshSettings } from "../policy/RefreshPolicy.ts"
import type { MissReason } from "../services/MissReason.ts"

type Failure = Omit<MintPolicy.Failure, "logins"> & Partial<Pick<MintPolicy.Failure, "logins">>

/** Pauses by label: of an organization, of an app, or of the question which organization an app is in. */
export interface MintPauses {
  readonly of: (label: string) => MintPolicy.Pause | undefined
  /**
   * Why flyctl is not to be asked now, for whom it would be asked with this login. A pause that is outdated ends here,
   * and what it counted is forgotten.
   */
  readonly reason: <E>(
    label: string,
    login: Effect.Effect<string | undefined, E>
  ) => Effect.Effect<MissReason | undefined, E>
  /** Notes that what was minted is of no use. */
  readonly unusable: (label: string, failure: Failure) => void
  /** Notes how a run of flyctl failed. What leaves no traces at Fly ends a pause that does not last: it is another cause. */
  readonly failed: (label: string, failure: Failure) => void
  /** Whose login it was is known by now. */
  readonly identify: (label: string, login: string | undefined) => void
  readonly end: (label: string) => void
  /** Somebody asks for another try; by default for all. */
  readonly hasten: (label?: string) => void
}

/** Below this many the pauses that are over cost less than looking for them. */
const firstSweep = 1_000

/** A count of failures that nothing has followed for so long counts no more, milliseconds. */
const forgottenAfter = 3_600_000

export const make = (settings: RefreshSettings, random: () => number): MintPauses => {
  const pauses = new Map<string, MintPolicy.Pause>()
  let sweepAt = firstSweep

  const sweep = (now: number) => {
    if (pauses.size < sweepAt) return
    for (const [label, { until }] of pauses) {
      if (now >= until + forgottenAfter) pauses.delete(label)
    }
    sweepAt = Math.max(firstSweep, 2 * pauses.size)
  }

  const note = (label: string, failure: Failure) => {
    pauses.set(label, MintPolicy.pauseAfter(pauses.get(label), { logins: [], ...failure }, settings, random()))
    sweep(failure.at)
  }

  const end = (label: string) => {
    pauses.delete(label)
  }

  return {
    of: (label) => pauses.get(label),
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
    unusable: note,
    failed: (label, failure) => {
      if (MintPolicy.leavesTraces(failure.reason)) return note(label, failure)
      const pause = pauses.get(label)
      const left = pause === undefined ? undefined : MintPolicy.outlasting(pause)
      if (left === undefined) end(label)
      else pauses.set(label, left)
    },
    identify: (label, login) => {
      const pause = pauses.get(label)
      if (login !== undefined && pause?.logins.length === 0) pauses.set(label, { ...pause, logins: [login] })
    },
    end,
    hasten: (label) => {
      const hastened = label === undefined ? [...pauses.keys()] : [label]
      for (const each of hastened) {
        const pause = pauses.get(each)
        if (pause !== undefined) pauses.set(each, MintPolicy.hastened(pause))
      }
    }
  }
}

/** Finds out whose login a pause is about, behind the callers' backs: the config file may hang too. */
export const identifying = (
  pauses: MintPauses,
  label: string,
  login: Effect.Effect<string | undefined>
): Effect.Effect<void> =>
  Effect.suspend(() =>
    pauses.of(label) === undefined
      ? Effect.void
      : Effect.map(login, (name) => pauses.identify(label, name))
  )

/**
 * The machine alone: random events in random order, at random times, against the rules of an app's token. A step is some
 * microseconds, so there are many. `MACHINE_STEPS` says how many, `MACHINE_SEED` repeats a run.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Exit from "effect/Exit"
import { FlyToken, MissReason, NoTokenAvailable, type ResolvedToken } from "../../src/index.ts"
import * as AppState from "../../src/resolver/AppState.ts"
import type { Found, Outcome, Source } from "../../src/resolver/Chain.ts"
import * as Machine from "../../src/resolver/Machine.ts"
import type { AppName } from "../../src/token/AppName.ts"
import * as TokenKey from "../../src/token/TokenKey.ts"

const steps = Number(process.env["MACHINE_STEPS"] ?? 30_000)
const seed = Number(process.env["MACHINE_SEED"] ?? Math.floor(Math.random() * 2 ** 31))

/** Numbers from [0, 1) that a seed decides (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const sourceOf = (name: string, lastResort: boolean): Source => ({
  name,
  acquire: () => {
    throw new Error("the machine asks nobody")
  },
  persists: false,
  lastResort,
  shared: false,
  stored: name === "storage"
})
const cli = sourceOf("cli", false)
const storage = sourceOf("storage", false)
const manual = sourceOf("manual", true)

const misses = [{ source: "cli", reason: new MissReason.TimedOut({ option: "cliTimeout", limitMillis: 45_000 }) }]

const second = 1_000
const minute = 60 * second
const rejectionTtl = 5 * minute
const cooldown = 5 * second

/** A run that has not ended, with what the machine said when it began. */
interface UnderWay {
  readonly run: AppState.Run
  readonly began: number
}

/** One app, everything that can happen to it, and what must hold. */
class Simulation {
  readonly random: () => number
  now = 1_700_000_000_000
  lastUsed = this.now
  state: AppState.AppState = Machine.activated(AppState.make(TokenKey.of("my-app" as AppName)))
  readonly underWay = new Map<number, UnderWay>()
  readonly rejected = new Map<string, number>()
  manual: FlyToken | undefined
  minted = 0
  /** No source has anything. */
  isDown = false
  /** When the last refresh ahead began. */
  aheadAt = 0
  readonly counts = new Map<string, number>()
  readonly policy: Machine.Policy

  constructor(seed: number) {
    this.random = randomOf(seed)
    this.policy = {
      softExpiryLeadMillis: 60 * minute,
      softExpiryJitter: 0.1,
      ttlMillis: 24 * 60 * minute,
      failureCooldownMillis: cooldown,
      idleTimeToLiveMillis: 6 * 60 * minute,
      hasLastResort: true,
      hasBetter: true,
      random: this.random,
      isRejected: (token, now) => {
        const isRejected = now < (this.rejected.get(token.identity) ?? Number.NEGATIVE_INFINITY)
        // Once over it stays over, wherever the clock goes.
        if (!isRejected) this.rejected.delete(token.identity)
        return isRejected
      }
    }
  }

  pick<A>(values: ReadonlyArray<A>): A {
    return values[Math.floor(this.random() * values.length)]!
  }

  count(what: string) {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  apply(step: Machine.Step) {
    const before = this.state
    this.state = step.state
    for (const action of step.actions) {
      this.count(action._tag)
      switch (action._tag) {
        case "Start":
          // Rule 1: there is no other run of this generation.
          for (const { run } of this.underWay.values()) {
            assert.notStrictEqual(run.generation, action.run.generation, "two runs of one generation")
          }
          assert.isFalse(this.underWay.has(action.run.id), "a run began twice")
          if (action.run.purpose === "refreshAhead") {
            // Rule 12: no spin, even if a run ends without a word.
            assert.notStrictEqual(this.aheadAt, this.now, "a refresh ahead begins again at once")
            this.aheadAt = this.now
          }
          this.underWay.set(action.run.id, { run: action.run, began: this.now })
          break
        case "Release":
          assert.strictEqual(this.state.keepers, 0, "a resolver was released that somebody keeps")
          assert.isUndefined(this.state.run, "a resolver was released with a run under way")
          assert.isUndefined(AppState.pause(this.state, this.now, cooldown), "a failure was forgotten too early")
          this.state = Machine.released(this.state)
          break
        default:
      }
    }
    this.check(before)
  }

  /** What holds after every step. */
  check(before: AppState.AppState) {
    const { state, now } = this
    const { token } = state
    if (state.run !== undefined) assert.isTrue(this.underWay.has(state.run.id), "the state waits for a run that ended")
    assert.isAtLeast(state.generation, before.generation, "a generation came back")
    if (token !== undefined) {
      // Rule 5: a refresh is due before the end, and never more than half a life before it.
      if (token !== before.token) {
        const life = token.expiresAt - token.since
        assert.isTrue(token.refreshAt <= token.expiresAt || token.refreshAt === Infinity, "a refresh after the end")
        if (life > 0) assert.isAtLeast(token.refreshAt, Math.min(token.since, now) - 1, "a refresh before its time")
      }
      // Rule 4: readers keep the token while it is refreshed; only its last minute waits.
      const served = AppState.servedUntil(state)
      assert.isAtMost(served, token.expiresAt, "served past its end")
      if (state.active && !token.lastResort) {
        assert.isAtLeast(served, token.expiresAt - minute, "readers were kept waiting before the last minute")
      }
    }
    // Rule 12: something is due at a time, unless an event is to come.
    const deadline = Machine.deadline(state, this.lastUsed, this.policy)
    if (state.active && state.run === undefined) {
      assert.isDefined(deadline, "nobody looks after the app")
      assert.isFalse(Number.isNaN(deadline), "a deadline that is no time")
      // Whoever keeps an app has a token, or a try to come by the back-off.
      if (state.keepers > 0 && token === undefined) {
        assert.isAtMost(deadline ?? Infinity, Math.max(now, state.retry?.since ?? now) + 10 * minute, "no try to come")
      }
    }
  }

  /** What may be handed out to a caller now. */
  handOut(resolved: ResolvedToken, why: string) {
    // Rule 12 and section 3: never an expired token; rule 6: never a rejected one.
    assert.isAbove(resolved.expiresAt ?? Infinity, this.now, `${why}: an expired token`)
    assert.isFalse(this.policy.isRejected(resolved.token, this.now), `${why}: a rejected token`)
    this.count("handed out")
  }

  reply(step: Machine.Replied, why: string) {
    const { reply } = step
    this.apply(step)
    switch (reply._tag) {
      case "Token":
        this.handOut(reply.token.resolved, why)
        this.lastUsed = this.now
        return
      case "Failure":
        // Rule 7: only for the cool-down, and only without a token.
        assert.isAtMost(reply.failure.retryAt - this.now, cooldown, "a failure for longer than the cool-down")
        assert.isUndefined(AppState.validToken(this.state, this.now), "a failure beside a valid token")
        this.count("failed at once")
        return
      case "Wait":
        assert.isTrue(this.underWay.has(reply.run.id), `${why}: waits for a run that is not under way`)
        assert.strictEqual(reply.run.generation, this.state.generation, `${why}: joins a run of an older generation`)
    }
  }

  get() {
    if (!this.state.active) this.state = Machine.activated(this.state)
    const current = AppState.validToken(this.state, this.now)
    const step = Machine.get(this.state, this.now, this.policy)
    this.reply(step, "get")
    // Rule 4: a get of a valid token starts nothing, and waits in its last minute alone.
    if (current !== undefined && this.now < current.expiresAt - minute) {
      assert.strictEqual(step.reply._tag, "Token", "a valid token was not handed out")
    }
  }

  refresh() {
    if (!this.state.active) this.state = Machine.activated(this.state)
    const step = Machine.refresh(this.state, this.now)
    this.reply(step, "refresh")
    assert.strictEqual(step.reply._tag, "Wait", "a refresh without a run")
    assert.isUndefined(this.state.token, "a refresh left the token to others")
  }

  reject() {
    const { token } = this.state
    if (token === undefined) return
    if (!this.state.active) this.state = Machine.activated(this.state)
    const before = AppState.validToken(this.state, this.now)
    const rejected = this.pick([token.resolved.token, token.resolved.token, FlyToken.make("fo1_another")])
    const isCurrent = rejected === token.resolved.token
    this.deny(rejected)
    this.reply(Machine.refreshRejected(this.state, rejected, this.now), "refresh of a rejected token")
    if (isCurrent) assert.isUndefined(this.state.token, "the rejected token stayed")
    else if (before !== undefined) {
      assert.strictEqual(this.state.token, token, "another token than the rejected one was dropped")
    }
  }

  /** Another app reports the token that is being replaced here. */
  rejectReplaced() {
    const replaced = this.pick([...this.underWay.values()])?.run.replaces?.resolved.token
    if (replaced !== undefined) this.deny(replaced)
  }

  /** A token is rejected, wherever it is. */
  deny(token: FlyToken) {
    this.rejected.set(token.identity, this.now + rejectionTtl)
    if (this.state.token?.resolved.token.identity === token.identity) this.apply(Machine.rejected(this.state))
  }

  invalidate() {
    this.apply(Machine.invalidated(this.state))
    assert.isUndefined(this.state.token, "an invalidated token stayed")
    // Rule 9: what is under way may not bring it back, and nobody joins it.
    assert.isUndefined(AppState.joinable(this.state), "a run that began before is joined")
  }

  setManual() {
    const before = this.state
    this.manual = this.random() < 0.3 ? undefined : FlyToken.make(`fo1_manual-${this.now}-${this.minted++}`)
    const isRejected = this.manual !== undefined && this.random() < 0.1
    if (isRejected) this.rejected.set(this.manual?.identity ?? "", this.now + rejectionTtl)
    this.apply(Machine.lastResortChanged(before, "manual", this.manual, this.now, this.policy))
    const { token } = before
    // A better source's token stays; one of last resort gives way.
    if (token === undefined) return
    const expected = isRejected ? undefined : this.manual?.value
    if (token.lastResort) assert.strictEqual(this.state.token?.resolved.token.value, expected)
    else assert.strictEqual(this.state.token, token, "a manual token took a better one's place")
  }

  /** A token that ends by itself after a life, or a bearer token, which ends by `ttl`. */
  found(run: AppState.Run): Found | undefined {
    const source = run.lastResort && this.random() < 0.25 ? manual : this.pick([cli, cli, storage])
    if (source === manual) {
      if (this.manual === undefined || this.policy.isRejected(this.manual, this.now)) return undefined
      return {
        source,
        candidate: { token: this.manual, acquiredAt: this.now },
        expiresAt: this.now + this.policy.ttlMillis
      }
    }
    const acquiredAt = this.now - this.pick([0, 0, 10 * second, 20 * 60 * minute, 23.7 * 60 * minute])
    const token = FlyToken.make(`fo1_${source.name}-${this.now}-${this.minted++}`)
    const expiresAt = acquiredAt + this.policy.ttlMillis
    if (run.livesPast !== undefined && expiresAt <= run.livesPast) return undefined
    return { source, candidate: { token, acquiredAt }, expiresAt }
  }

  outcome(run: AppState.Run): Outcome {
    const found = !this.isDown && this.random() < 0.7 ? this.found(run) : undefined
    const isPassedOver = run.purpose === "refresh" && this.random() < 0.3
    const passedOver = isPassedOver
      ? { token: FlyToken.make(`fo1_old-${this.minted++}`), acquiredAt: this.now }
      : undefined
    return { found, misses, passedOver }
  }

  end() {
    const ending = this.pick([...this.underWay.values()])
    if (ending === undefined) return
    const { run } = ending
    const outcome = this.outcome(run)
    const isUnsettled = Machine.isUnsettled(this.state, run, run.lastResortRevision, outcome, this.policy)
    // Asked again, until nothing changes meanwhile.
    const settled = isUnsettled ? this.outcome(run) : outcome
    // Another app reported what this run found.
    if (settled.found !== undefined && this.random() < 0.03) this.deny(settled.found.candidate.token)
    this.underWay.delete(run.id)
    const before = this.state
    if (this.random() < 0.05) {
      this.apply({ state: Machine.withoutRun(before, run), actions: [] })
      return
    }
    const { answer, ...step } = Machine.ended(before, run, settled, this.now, this.policy)
    if (run.purpose !== "refreshAhead" && run.purpose !== "keep" && before.active) this.lastUsed = this.now
    this.apply(step)
    this.count(`${run.purpose} ${Exit.isSuccess(answer) ? "found" : "failed"}`)
    this.checkEnd(before, run, settled, answer)
  }

  checkEnd(before: AppState.AppState, run: AppState.Run, { found }: Outcome, answer: Machine.Answer) {
    const { state } = this
    const isOld = run.generation !== before.generation
    if (isOld) {
      // Rule 9: a late result changes nothing.
      assert.strictEqual(state.token, before.token, "a late result changed the token")
      assert.strictEqual(state.failure, before.failure, "a late failure is remembered")
      return
    }
    if (found !== undefined && this.policy.isRejected(found.candidate.token, this.now)) {
      assert.notStrictEqual(state.token?.resolved.token, found.candidate.token, "a rejected token is current")
      assert.isTrue(
        Exit.isSuccess(answer) && answer.value !== undefined &&
          Machine.isStale(state, run, answer.value, this.now, this.policy),
        "a rejected token would be handed out"
      )
      return
    }
    if (found !== undefined) {
      assert.strictEqual(state.token?.resolved.token, found.candidate.token, "what was found is not the current token")
      assert.isUndefined(state.failure, "a failure outlived the success after it")
      assert.isTrue(Exit.isSuccess(answer))
      // Rule 4: ahead of expiry only a token that lives longer.
      if (run.purpose === "refreshAhead" && run.replaces?.lastResort === false) {
        assert.isAbove(
          state.token?.expiresAt ?? 0,
          run.replaces.expiresAt,
          "a shorter token took the place of a longer"
        )
      }
      return
    }
    if (run.purpose === "refreshAhead") {
      const left = AppState.validToken(before, this.now)
      // Rule 4: the old token stays, and the next try is planned.
      assert.strictEqual(
        AppState.validToken(state, this.now)?.resolved,
        left?.resolved,
        "a failed refresh took the token"
      )
      if (left !== undefined) {
        const at = state.retry?.at ?? 0
        assert.isAbove(at, this.now, "the next try is at once")
        assert.isTrue(at < left.expiresAt || at === Infinity, "a try past the end")
      } else assert.deepStrictEqual(answer, Exit.succeed(undefined))
      return
    }
    assert.isTrue(Exit.isFailure(answer), "a run that found nothing has an answer")
    // Section 4: a refresh that found nothing puts the token back.
    const { replaces } = run
    if (run.purpose === "refresh" && replaces !== undefined) {
      const isGood = this.now < replaces.expiresAt && !this.policy.isRejected(replaces.resolved.token, this.now)
      const isSame = !replaces.lastResort || run.lastResortRevision === before.lastResortRevision
      if (isGood && isSame) assert.strictEqual(state.token?.resolved, replaces.resolved, "a refresh lost the token")
      else assert.notStrictEqual(state.token?.resolved, replaces.resolved, "a refresh put a dead token back")
    }
    if (state.token === undefined) {
      // Rule 7: the failure answers for the cool-down.
      assert.strictEqual(AppState.pause(state, this.now, cooldown)?.error._tag, "NoTokenAvailable")
    }
  }

  keep() {
    if (!this.state.active) this.state = Machine.activated(this.state)
    if (this.state.keepers === 0) this.apply(Machine.keep(this.state, this.now))
    else this.apply(Machine.unkeep(this.state))
  }

  pass() {
    // Deadlines come in time: the scheduler sleeps for a minute at most.
    this.now += this.pick([0, 1, second, 31 * second, minute, minute])
    this.due()
  }

  /** To the moment at which something is due, or nearly. */
  passToDeadline() {
    const deadline = Machine.deadline(this.state, this.lastUsed, this.policy) ?? this.now
    if (Number.isFinite(deadline)) this.now = Math.max(this.now, deadline - this.pick([0, 0, 1, 30 * second]))
    this.due()
  }

  setClock() {
    this.now += this.pick([-1, 1]) * this.pick([minute, 60 * minute, 24 * 60 * minute])
    this.aheadAt = 0
    // A rejection ends by its span, whatever the clock does.
    for (const [identity, until] of this.rejected) {
      this.rejected.set(identity, Math.min(until, this.now + rejectionTtl))
    }
    const before = this.state
    this.due()
    const { token } = this.state
    // Rule 12: a life that was counted does not grow by a clock that was set back.
    if (token !== undefined && token.resolved.token === before.token?.resolved.token) {
      assert.isAtMost(token.expiresAt, before.token.expiresAt, "a clock set back stretched a life")
      assert.isAtMost(token.expiresAt - this.now, this.policy.ttlMillis, "a clock set back stretched a life")
    }
  }

  due() {
    const deadline = Machine.deadline(this.state, this.lastUsed, this.policy)
    this.lastUsed = Math.min(this.lastUsed, this.now)
    // Rule 12: no spin. What was due is not due again at the same moment.
    for (let n = 0;; n++) {
      this.apply(Machine.due(this.state, this.now, this.lastUsed, this.policy))
      const next = Machine.deadline(this.state, this.lastUsed, this.policy)
      if (next === undefined || next > this.now) return
      assert.isBelow(n, 3, `the resolver spins: due at ${deadline}, then ${next}, now ${this.now}`)
    }
  }

  step() {
    const random = this.random()
    if (random < 0.25) this.get()
    else if (random < 0.5) this.end()
    else if (random < 0.7) this.pass()
    else if (random < 0.8) this.passToDeadline()
    else if (random < 0.85) this.refresh()
    else if (random < 0.9) this.reject()
    else if (random < 0.93) this.invalidate()
    else if (random < 0.97) this.setManual()
    else if (random < 0.975) this.setClock()
    else if (random < 0.98) this.rejectReplaced()
    else if (random < 0.985) this.isDown = !this.isDown
    else if (random < 0.99) this.keep()
    else this.now += this.pick([60 * minute, 6 * 60 * minute, 23 * 60 * minute])
  }
}

describe("the machine of an app", () => {
  it(`holds its rules over ${steps} random steps (MACHINE_SEED=${seed})`, () => {
    const all = new Map<string, number>()
    const length = 200
    for (let n = 0; n * length < steps; n++) {
      const simulation = new Simulation(seed + n)
      try {
        for (let step = 0; step < length; step++) simulation.step()
      } catch (error) {
        throw new Error(`seed ${seed + n}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      }
      for (const [what, count] of simulation.counts) all.set(what, (all.get(what) ?? 0) + count)
    }
    // The sequences reach all that there is.
    for (
      const what of [
        "Start",
        "Persist",
        "Replace",
        "Restore",
        "Announce",
        "LogFailure",
        "Release",
        "handed out",
        "failed at once",
        "get found",
        "keep found",
        "keep failed",
        "get failed",
        "refresh found",
        "refresh failed",
        "replaceRejected found",
        "replaceRejected failed",
        "refreshAhead found",
        "refreshAhead failed"
      ]
    ) assert.isAbove(all.get(what) ?? 0, 0, `no sequence came to "${what}"`)
  }, 240_000)

  it("has an error for a caller that says of each source why", () => {
    const started = Machine.get(Machine.activated(AppState.make(TokenKey.of("my-app" as AppName))), 0, {
      ...new Simulation(1).policy
    })
    const run = started.state.run!
    const { answer } = Machine.ended(started.state, run, { found: undefined, misses, passedOver: undefined }, 0, {
      ...new Simulation(1).policy
    })
    const error = new NoTokenAvailable({ app: "my-app" as AppName, attempts: misses })
    assert.deepStrictEqual(answer, Exit.fail(error))
  })
})

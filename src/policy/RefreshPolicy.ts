/**
 * When to refresh, how long to back off, what to do next: all timing rules in one place, as plain functions. Times are
 * epoch milliseconds, spans are milliseconds, `random` is from [0, 1).
 *
 * | life of the token | lead, jitter 0 |
 * | --- | --- |
 * | up to 20 minutes | 5 minutes, at most half the life |
 * | below 90 minutes | 15 minutes, at most half the life |
 * | longer | 60 minutes, at most half the life |
 *
 * or the option `softExpiryLead` if that is less.
 */

const second = 1_000
const minute = 60 * second

/** The last minute of a token: here a `get` joins a refresh that is under way. */
export const lastMinute = minute

const firstBackOff = 30 * second
const longestBackOff = 10 * minute

/** An overdue refresh waits so long, so that a token that is always overdue is no busy loop. */
const overdueDelay = second

/** Closer to the expiry than this no further try is begun. */
const shortestRetry = second

/** The settings that timing depends on. */
export interface RefreshSettings {
  /** The longest lead. 0 switches refreshing ahead off. */
  readonly softExpiryLeadMillis: number
  /** From 0 to 1: by which part of the lead, or of a back-off, chance may move it. */
  readonly softExpiryJitter: number
}

const leadByLife = (life: number): number => {
  if (life <= 20 * minute) return 5 * minute
  return life < 90 * minute ? 15 * minute : 60 * minute
}

/**
 * How long before its expiry a token of this life is refreshed. Jitter makes it earlier; it is never more than half the
 * life.
 */
export const lead = (life: number, settings: RefreshSettings, random: number): number =>
  Math.floor(Math.min(
    Math.min(settings.softExpiryLeadMillis, leadByLife(life)) * (1 + settings.softExpiryJitter * random),
    life / 2
  ))

/** When a token is to be refreshed: `expiresAt − lead`, shortly from now if that is past, `Infinity` if never. */
export const refreshAt = (
  token: { readonly acquiredAt: number; readonly expiresAt: number },
  now: number,
  settings: RefreshSettings,
  random: number
): number => {
  if (settings.softExpiryLeadMillis === 0 || !Number.isFinite(token.expiresAt)) return Number.POSITIVE_INFINITY
  const life = Math.max(0, token.expiresAt - Math.min(token.acquiredAt, now))
  const due = token.expiresAt - lead(life, settings, random)
  return due > now ? due : now + Math.min(overdueDelay, Math.max(1, Math.floor((token.expiresAt - now) / 2)))
}

/** How long to wait after so many failures in a row (1 and more): 30 s, doubling to 10 min, jittered downwards. */
export const backOff = (failures: number, settings: RefreshSettings, random: number): number =>
  Math.ceil(
    Math.min(firstBackOff * 2 ** Math.min(failures - 1, 30), longestBackOff) * (1 - settings.softExpiryJitter * random)
  )

/**
 * When to try again after a failed refresh: after the back-off; if the token would be expired by then, half-way to its
 * expiry; `Infinity` if that is too close. Past the expiry there is no try without a caller.
 */
export const nextTry = (
  state: { readonly now: number; readonly expiresAt: number; readonly failures: number },
  settings: RefreshSettings,
  random: number
): number => {
  const after = state.now + backOff(state.failures, settings, random)
  if (after < state.expiresAt) return after
  const halfWay = Math.floor((state.expiresAt - state.now) / 2)
  return halfWay >= shortestRetry ? state.now + halfWay : Number.POSITIVE_INFINITY
}

/** From when on a `get` waits for a refresh that is under way. */
export const joinFrom = (expiresAt: number): number => expiresAt - lastMinute

/**
 * Whether something is to be remembered still. A clock that was set back must not stretch it: an end that is further
 * away than the whole span is past.
 */
export const within = (until: number, now: number, span: number): boolean => now < until && until - now <= span

/**
 * What to do now for a token that is looked after: one that has ended is forgotten, an app that nobody asks for is evicted,
 * a refresh that is due is begun; else there is nothing to do until one of these moments.
 */
export const nextStep = ({ dueAt, expiresAt, idleAt, now }: {
  readonly now: number
  readonly expiresAt: number
  /** When the next refresh is due. */
  readonly dueAt: number
  /** When the app counts as idle. */
  readonly idleAt: number
}): "Forget" | "Evict" | "Refresh" | "Sleep" => {
  if (now >= expiresAt) return "Forget"
  if (now >= idleAt) return "Evict"
  return now >= dueAt ? "Refresh" : "Sleep"
}

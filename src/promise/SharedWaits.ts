/** Promises that several calls share: ten thousand who wait for one run are one promise. */

export interface SharedWaits<A> {
  /** The promise of who waits for this already, or a new one. */
  readonly get: (app: string, open: (onEnd?: () => void) => Promise<A>) => Promise<A>
  /** Whoever comes from now on does not share what was begun before. */
  readonly forget: (app: string) => void
}

/**
 * **Details**
 *
 * While the layer is being built there are no runs yet, and calls for one app share a promise until something else is
 * asked for it. Later on those share one that wait for the same run, so that none of them gets what an older run found.
 */
export const make = <A>(
  /** The run that is waited for; `undefined` before there can be one. */
  runOf: () => ((app: string) => object | undefined) | undefined
): SharedWaits<A> => {
  const early = new Map<string, Promise<A>>()
  const byRun = new WeakMap<object, Promise<A>>()
  return {
    get: (app, open) => {
      const current = runOf()
      if (current === undefined) {
        const waiting = early.get(app)
        if (waiting !== undefined) return waiting
        // It may end at once.
        const wait: { promise?: Promise<A>; isOver: boolean } = { isOver: false }
        wait.promise = open(() => {
          wait.isOver = true
          if (early.get(app) === wait.promise) early.delete(app)
        })
        if (!wait.isOver) early.set(app, wait.promise)
        return wait.promise
      }
      const run = current(app)
      const waiting = run === undefined ? undefined : byRun.get(run)
      if (waiting !== undefined) return waiting
      const promise = open()
      const begun = run ?? current(app)
      if (begun !== undefined) byRun.set(begun, promise)
      return promise
    },
    forget: (app) => {
      early.delete(app)
    }
  }
}

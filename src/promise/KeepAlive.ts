/**
 * Keeping Node alive while somebody waits: a promise alone does not.
 *
 * @since 0.1.0
 */

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface KeepAlive {
  /** Holds the process until the returned function is called, once. */
  readonly hold: () => () => void
}

/** The longest that a timer takes. */
const aLongTime = 2 ** 31 - 1

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (): KeepAlive => {
  let holders = 0
  let timer: NodeJS.Timeout | undefined
  return {
    hold: () => {
      if (holders++ === 0) timer = setInterval(() => {}, aLongTime)
      return () => {
        if (--holders > 0) return
        clearInterval(timer)
      }
    }
  }
}

/** Keeping Node alive while somebody waits: a promise alone does not. */

export interface KeepAlive {
  /** Holds the process until the returned function is called, once. */
  readonly hold: () => () => void
}

/** The longest that a timer takes. */
const aLongTime = 2 ** 31 - 1

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

/**
 * A cache with its source on a clock that is moved by hand: `Date` and the timers of programs of promises, `TestClock` of
 * Effect programs, both in step.
 */
import { mock } from "node:test"
import { setImmediate as turn } from "node:timers/promises"
import type { Client, Subject } from "./Client.ts"
import type { Source } from "./Source.ts"

export interface Scene {
  readonly client: Client
  readonly source: Source
  /** Milliseconds. What becomes due happens. */
  readonly advance: (by: number) => Promise<void>
  /** Gets one after another; how many answers were tokens that are not expired. */
  readonly serve: (gets: number) => Promise<number>
}

export const key = "my-app"

/** Until all that can happen without time passing has happened. */
export const settle = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await turn()
}

/** Whether a promise is settled by now. */
export const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  let settled = false
  const note = () => void (settled = true)
  promise.then(note, note)
  await settle()
  return settled
}

export const play = async <A>(subject: Subject, source: Source, act: (scene: Scene) => Promise<A>): Promise<A> => {
  // Effect's scheduler needs timers of its own that go; its clock is moved apart.
  const apis = subject.clock === "Effect" ? ["Date" as const] : ["Date" as const, "setTimeout" as const]
  mock.timers.enable({ apis, now: 1_800_000_000_000 })
  try {
    const client = await subject.open(source, { movable: true })
    const isServed = async () => {
      try {
        const until = source.issued.get(client.tokenOf(await client.get(key)))
        return until !== undefined && Date.now() < until
      } catch {
        return false
      }
    }
    return await act({
      client,
      source,
      advance: async (by) => {
        mock.timers.tick(by)
        await client.advance?.(by)
        await settle()
      },
      serve: async (gets) => {
        let served = 0
        for (let n = 0; n < gets; n++) {
          if (await isServed()) served++
          // What goes on in the background does not wait for the next one.
          await turn()
        }
        return served
      }
    })
  } finally {
    mock.timers.reset()
  }
}

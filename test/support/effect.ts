/**
 * Modules of Effect for programs that tests start.
 */
export * as Clock from "effect/Clock"
export * as Context from "effect/Context"
export * as Duration from "effect/Duration"
export * as Effect from "effect/Effect"
export * as Layer from "effect/Layer"

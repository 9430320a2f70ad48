/**
 * Reads from a caller's object, which may run code of the caller's: what that throws comes out as the refusal that is made of it.
 */
export function readUserCode<TRead>(read: () => TRead, refusal: (cause: unknown) => Error): TRead {
  try {
    return read()
  } catch (cause) {
    throw refusal(cause)
  }
}

/** Returns a caller's function bound to the object that it came with, past a `bind` of its own. */
export function bound<TFunction extends (...facts: never[]) => unknown>(fn: TFunction, owner: unknown, refusal: (cause: unknown) => Error): TFunction {
  return readUserCode(() => Function.prototype.bind.call(fn, owner) as TFunction, refusal)
}

/**
 * True when user code answered with something that settles later.
 *
 * Reading `then` may run user code and throw, so this belongs within the guard of the call it follows.
 */
export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  if (answer === null || (typeof answer !== 'object' && typeof answer !== 'function')) return false
  return typeof (answer as { then?: unknown }).then === 'function'
}

/**
 * Adopts a foreign thenable as a promise of our own, whatever its `then` does.
 *
 * `Promise.resolve` would hand a native promise back as it is, with a `then` that somebody may have replaced by
 * one that throws.
 */
export function adopted(thenable: PromiseLike<unknown>): Promise<unknown> {
  return new Promise((resolve) => resolve(thenable))
}

/** Lets a promise that came where none belongs reject in silence: nobody awaits it, and it must not end the process. */
export function disown(answer: unknown): void {
  if (isThenable(answer)) adopted(answer).catch(() => {})
}

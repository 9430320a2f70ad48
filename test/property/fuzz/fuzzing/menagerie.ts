import type { Dice } from '../../../support/dice.ts'
import { HOSTILE_IDS, NO_IDS } from '../../../support/hostile.ts'

/** What a value of ours does when it is looked at and wants to be a nuisance: it calls back, or it throws. */
export interface Mischief {
  /** Calls something of the manager's from where nobody expects it. */
  reenter(): void
}

type Breeder = (mischief: Mischief, dice: Dice) => unknown

/** What our own values throw: not an error of the library's, so that it is known where it comes out. */
export class Nuisance extends Error {
  override name = 'Nuisance'
}

/** Throws what belongs to no library. */
export function boom(): never {
  throw new Nuisance('thrown by a value of the caller')
}

const LONG_TEXT = 'long '.repeat(2_000)
const TRAPS: ProxyHandler<object> = {
  get: boom,
  set: boom,
  has: boom,
  deleteProperty: boom,
  ownKeys: boom,
  getOwnPropertyDescriptor: boom,
  defineProperty: boom,
  getPrototypeOf: boom,
  setPrototypeOf: boom,
  isExtensible: boom,
  preventExtensions: boom,
}

class LyingDate extends Date {
  override getTime(): number {
    return boom()
  }

  override toISOString(): string {
    return 'never'
  }
}

/** Answers something of itself to whatever it is asked. */
const chameleon: object = new Proxy(function () {}, { get: (_, key) => (key === Symbol.toPrimitive ? () => 'chameleon' : chameleon), apply: () => chameleon })

/** Every kind of value that a caller may hand over by mistake or by malice. */
const BREEDERS: readonly Breeder[] = [
  () => undefined,
  () => null,
  () => true,
  () => false,
  () => 0,
  () => -0,
  () => -1,
  () => 1.5,
  () => NaN,
  () => Infinity,
  () => -Infinity,
  () => 2 ** 53,
  () => Number.MIN_VALUE,
  () => 10n ** 30n,
  () => Symbol('hostile'),
  () => Symbol.iterator,
  () => Symbol.for('stream-connection-manager.rawJson'),
  () => '',
  () => 'x'.repeat(256),
  () => LONG_TEXT,
  () => '\ud83d',
  () => 'a\ude00b',
  (_, dice) => dice.pick(HOSTILE_IDS),
  (_, dice) => dice.pick(NO_IDS)[1],
  () => Object('a string object'),
  () => [],
  () => ['PRICE', 'A'],
  () => [[[[]]]],
  () => new Array(5),
  () => ({}),
  () => Object.create(null) as object,
  () => Object.freeze({ streamType: 'PRICE' }),
  () => Object.prototype,
  () => Array.prototype,
  () => new Date(),
  () => new Date(NaN),
  () => new Date(8.64e15),
  () => new LyingDate(),
  () => Object.create(Date.prototype) as object,
  () => new Map([['streamType', 'PRICE']]),
  () => new Set(['PRICE']),
  () => new WeakMap(),
  () => new Uint8Array(16),
  () => new Error('an error as a value'),
  () => /expression/g,
  () => () => 'a function',
  () => class {},
  () => async () => boom(),
  () => (function* () {})(),
  () => Promise.resolve(),
  () => rejected(),
  () => promiseWithBrokenThen(),
  () => ({ then: boom }),
  () => Object.defineProperty({}, 'then', { get: boom }),
  () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(new Nuisance('a thenable rejects')) }),
  ({ reenter }) => ({ then: (resolve: () => void) => (reenter(), resolve()) }),
  () => ({ then() {} }),
  () => cyclic(),
  () => ({ deep: { toJSON: boom } }),
  ({ reenter }) => ({ toJSON: () => (reenter(), 'a value') }),
  ({ reenter }) => Object.defineProperty({}, 'a', { enumerable: true, get: reenter }),
  () => ({ toJSON: () => undefined }),
  () => ({ amount: 1n }),
  () => ({ toString: boom, valueOf: boom, [Symbol.toPrimitive]: boom, [Symbol.toStringTag]: 'Hostile' }),
  () => Object.defineProperty({}, 'streamType', { enumerable: true, get: boom }),
  () => ({ ['__proto__']: 'PRICE' }),
  () => JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}') as unknown,
  () => ({ [Symbol.for('stream-connection-manager.rawJson')]: true, text: 'not {json' }),
  () => ({ [Symbol.for('stream-connection-manager.rawJson')]: true, text: { toString: boom } }),
  () => Object.defineProperty({ [Symbol.for('stream-connection-manager.rawJson')]: true }, 'text', { get: boom }),
  () => new Proxy({}, TRAPS),
  () => new Proxy([], TRAPS),
  () => new Proxy(() => {}, TRAPS),
  () => new Proxy({}, {}),
  () => revokedProxy(),
  () => chameleon,
]

function rejected(): Promise<never> {
  const promise = Promise.reject(new Nuisance('a promise of the caller'))
  // Its owner has seen to it: whoever takes it over has to see to what follows from it.
  promise.catch(() => {})
  return promise
}

function promiseWithBrokenThen(): Promise<void> {
  return Object.assign(Promise.resolve(), { then: boom })
}

function cyclic(): object {
  const self: { self?: object } = {}
  return Object.assign(self, { self })
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** Hands out hostile values. */
export class Menagerie {
  readonly #dice: Dice
  readonly #mischief: Mischief

  constructor(dice: Dice, mischief: Mischief) {
    this.#dice = dice
    this.#mischief = mischief
  }

  value(): unknown {
    return this.#dice.pick(BREEDERS)(this.#mischief, this.#dice)
  }
}

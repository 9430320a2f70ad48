import type { Socket, Transport } from '../../../../src/index.ts'
import { type Dice } from '../../../support/dice.ts'
import { Lottery } from '../lottery.ts'
import { boom, Nuisance } from './menagerie.ts'
import type { SocketCompany } from './sockets.ts'

type AnyTransport = Transport<Socket, unknown>
type Hook<TName extends keyof AnyTransport> = (company: SocketCompany) => NonNullable<AnyTransport[TName]>

const reject = (): Promise<never> => Promise.reject(new Nuisance('a transport rejects'))
const hang = (): Promise<never> => new Promise(() => {})

/** Writes text by text, as a transport without an idea of its own does. */
function writeAll({ dice, written, reenter }: SocketCompany, frames: readonly unknown[]): unknown {
  for (const _ of frames) written()
  if (dice.chance(0.97)) return undefined
  return WRITE_ANSWERS.draw(dice)({ frames, reenter })
}

const WRITE_ANSWERS = new Lottery<(write: { frames: readonly unknown[]; reenter(): void }) => unknown>([
  [boom, 0.3],
  [() => reject(), 0.3],
  [() => hang(), 1],
  [() => Promise.resolve(), 2],
  [({ frames }) => frames.length, 2],
  [({ frames }) => frames.length - 1, 2],
  [() => 0, 1],
  [() => NaN, 1],
  [() => -1, 1],
  [() => Infinity, 1],
  [() => 0.5, 1],
  [({ frames: [, ...others], reenter }) => (reenter(), others.length), 3],
  [({ reenter }) => reenter(), 6],
])

const write: Hook<'write'> = (company) => (_, frames) => writeAll(company, frames) as void

/** To look at its length is to set something off, and no two looks agree. */
function frameWithGetter({ dice, reenter }: SocketCompany, text: string): object {
  const get = (): unknown => {
    if (dice.chance(0.02)) boom()
    if (dice.chance(0.02)) reenter()
    return dice.chance(0.05) ? reject() : dice.below(100)
  }
  return Object.defineProperty({ text }, 'byteLength', { get })
}

const FRAMES = new Lottery<Hook<'frame'>>([
  [() => (text) => text, 4],
  [() => (text) => new TextEncoder().encode(text), 1],
  [({ dice }) => (text) => (dice.chance(0.01) ? boom() : text), 1],
  [({ dice }) => (text) => (dice.chance(0.01) ? reject() : text), 1],
  [({ dice, reenter }) => (text) => (dice.chance(0.02) && reenter(), text), 2],
  [({ dice }) => () => ({ byteLength: dice.pick([0, 7, 60, 2_000, 2 ** 40, 2 ** 60, 0.1, -1, NaN, Infinity, '9', 9n, null, undefined, {}, boom]) }), 2],
  [(company) => (text) => frameWithGetter(company, text), 2],
  [() => (text, message) => (message !== undefined && Reflect.set(message, 'userId', 'somebody else'), message !== undefined && Reflect.set(message, 'streamType', 'PRICE'), text), 1],
])

const METERS = new Lottery<Hook<'bufferedBytes'>>([
  [() => () => 0, 2],
  [({ dice }) => () => (dice.chance(0.85) ? 0 : dice.pick([10, 1_000, 2 ** 40, NaN, -5, Infinity, '9' as never, null as never])), 4],
  [({ dice }) => () => (dice.chance(0.01) ? boom() : 0), 1],
  [({ dice }) => () => (dice.chance(0.01) ? (reject() as never) : 0), 0.5],
  [({ dice, reenter }) => () => (dice.chance(0.02) && reenter(), dice.below(60)), 2],
])

const DRAINS = new Lottery<Hook<'onDrain'>>([
  [
    ({ dice }) => (_, listener) => {
      // It drains within a few microtasks, or never.
      if (dice.chance(0.7)) void Promise.resolve().then(listener)
      return () => {}
    },
    4,
  ],
  [() => (_, listener) => (listener(), () => {}), 1],
  [() => boom, 1],
  [() => () => undefined as never, 1],
  [() => () => reject() as never, 1],
  [({ reenter }) => (_, listener) => (void Promise.resolve().then(listener), () => reenter()), 1],
  [() => (_, listener) => (void Promise.resolve().then(listener), boom), 1],
])

const CLOSINGS = new Lottery<Hook<'onClose'>>([
  [
    ({ dice }) => (_, listener) => {
      // It closes within a few microtasks, or never.
      if (dice.chance(0.1)) void Promise.resolve().then(listener)
      return () => {}
    },
    4,
  ],
  [({ dice }) => (_, listener) => (dice.chance(0.2) && listener(), () => {}), 1],
  [() => boom, 1],
  [() => () => undefined as never, 1],
  [() => () => reject() as never, 1],
  [({ reenter }) => () => (reenter(), () => {}), 1],
  [({ reenter }) => (_, listener) => () => (reenter(), listener()), 1],
  [() => () => boom, 1],
  [() => () => reject as never, 1],
])

const CLOSES = new Lottery<Hook<'close'>>([
  [() => (socket) => socket.close(), 4],
  [() => () => {}, 2],
  [() => boom, 1],
  [() => () => hang(), 1],
  [() => () => reject(), 1],
  [({ reenter }) => () => reenter(), 1],
])

const TERMINATIONS = new Lottery<Hook<'terminate'>>([
  [() => () => {}, 3],
  [() => boom, 1],
  [() => () => reject() as never, 1],
  [({ reenter }) => () => reenter(), 1],
])

/** A transport that says something else about itself at the second reading. */
function fickle(transport: AnyTransport, dice: Dice): AnyTransport {
  const name = dice.pick(Object.keys(transport))
  const hook: unknown = Reflect.get(transport, name)
  let reads = 0
  return Object.defineProperty(transport, name, { get: () => (++reads === 1 ? hook : dice.pick([boom, () => undefined, () => 'no function'])()) })
}

/** What passes for a hook, or does not, and does something when it is looked at. */
const NO_HOOKS: readonly (() => unknown)[] = [
  () => Object.assign(() => {}, { bind: boom, call: boom, apply: boom }),
  () => new Proxy(() => {}, { get: boom }),
  () => class {},
  () => ({}),
  () => null,
]

/** A transport with some of the hooks that there are, each of some temperament. */
export function someTransport(company: SocketCompany): AnyTransport {
  const { dice } = company
  const transport: AnyTransport = {
    ...(dice.chance(0.8) && { write: write(company) }),
    ...(dice.chance(0.4) && { frame: FRAMES.draw(dice)(company) }),
    ...(dice.chance(0.7) && { bufferedBytes: METERS.draw(dice)(company) }),
    ...(dice.chance(0.4) && { onDrain: DRAINS.draw(dice)(company) }),
    ...(dice.chance(0.3) && { onClose: CLOSINGS.draw(dice)(company) }),
    ...(dice.chance(0.4) && { close: CLOSES.draw(dice)(company) }),
    ...(dice.chance(0.4) && { terminate: TERMINATIONS.draw(dice)(company) }),
  }
  return Object.keys(transport).length > 0 && dice.chance(0.08) ? fickle(transport, dice) : transport
}

/** A transport with something in it that may pass for a hook, or not. */
export function hostileTransport(company: SocketCompany): AnyTransport {
  const { dice } = company
  const name = dice.pick(['frame', 'write', 'bufferedBytes', 'onDrain', 'onClose', 'close', 'terminate'])
  return { ...someTransport(company), [name]: dice.pick(NO_HOOKS)() }
}

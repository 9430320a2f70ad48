import { encodeFrame } from '../../../src/cluster/envelope.ts'
import type { Frame } from '../../../src/cluster/frame.ts'
import type { Dice } from '../../support/dice.ts'

const NAMES = ['n1', 'n2', 'e1', 'e2', '__proto__', 'constructor', '', 'a b', '\ud800', 'x'.repeat(65)]
const TYPES = ['TRADES', 'PRICE', 'NEWS', 'ALERTS', 'ORDERS', '', '__proto__', 'toString', 'FOO']
const SYMBOLS = ['A', 'B', undefined, '', '__proto__', '\ud800', 'x'.repeat(300)]
const NUMBERS = [0, 1, 2, 3, 50, 1e6, 2 ** 31, Number.MAX_SAFE_INTEGER, 2 ** 53, 1e308, -1, 0.5, NaN]
const TEXTS = ['', '{}', '{"a":1}', '\n', '[1,"probe","n1",1,1]', 'x'.repeat(2_000), '\ud800']
const VALUES = ['null', 'true', '[]', '{}', '"text"', '1e999', '-0', '9007199254740993', '{"__proto__":[]}', '"\\ud800"', `${'['.repeat(5_000)}${']'.repeat(5_000)}`]
const KINDS = Object.keys({
  message: 0, answer: 0, ask: 0, tail: 0, progress: 0, probe: 0, survey: 0, sync: 0, back: 0, departed: 0, left: 0, wanted: 0,
} satisfies Record<Frame['kind'], 0>)
const COMMANDS = ['{}', 'null', '{"command":"revoke"}', '{"command":"revoke","revocation":{"userId":"__proto__"}}', '{"command":"removeUser","userId":7}', '{"command":"removeUser","userId":"zoe"}', '{"command":"setStreamStatus","stream":null}', '{"command":"notifyGap","stream":null}', '{"command":"notifyGap","stream":{"streamType":"TRADES","symbol":7,"userId":null},"dropped":-1}', '{"command":"setStreamStatus","stream":{"streamType":"__proto__","symbol":null,"userId":null},"status":"ERROR"}']

/** Returns a text as a broker may bring it: a frame with strange facts, one that was broken, or noise. `of` are names that the node knows. */
export function textOf(dice: Dice, of: readonly string[]): string {
  const chance = dice.below(10)
  if (chance === 0) return Array.from({ length: dice.below(30) }, () => dice.pick(['[', ']', '1', ',', '"', 'n', '\n', '{', '}', '\\', '\ud800'])).join('')
  const text = encodeFrame(frameOf(dice, of))
  return chance < 7 ? text : brokenBy(dice, text)
}

function frameOf(dice: Dice, of: readonly string[]): Frame {
  const name = (): string => dice.pick(dice.chance(0.8) ? of : NAMES)
  const number = (): number => (dice.chance(0.7) ? dice.below(12) : dice.pick(NUMBERS))
  const channel = (): object => ({ streamType: dice.chance(0.8) ? dice.pick(TYPES.slice(0, 6)) : dice.pick(TYPES), symbol: dice.pick(SYMBOLS.slice(0, dice.chance(0.8) ? 3 : 7)), userId: dice.pick([undefined, undefined, 'ann', '']) })
  const message = (): object => ({ seq: number(), symbol: dice.pick(SYMBOLS), text: dice.chance(0.2) ? dice.pick(COMMANDS) : dice.pick(TEXTS) })
  const listOf = (make: () => object): object[] => Array.from({ length: dice.below(4) }, make)
  const facts = (): object => ({ channel: channel(), epoch: name(), seq: number(), ageMs: number(), lastAgeMs: number(), awayMs: number(), userId: dice.pick(['ann', 'bob', '', '__proto__', '\ud800']), first: number(), last: number() })
  const frame = { ...facts(), kind: dice.pick(KINDS), node: name(), message: message(), messages: listOf(message), isLast: dice.chance(0.5), number: number(), units: number(), channels: listOf(channel), progress: listOf(facts) }
  return frame as unknown as Frame
}

function brokenBy(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1)
  switch (dice.below(4)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + dice.pick(VALUES) + text.slice(at)
    case 2:
      return text.replace(/"[^"]*"|\d+/g, (found) => (dice.chance(0.1) ? dice.pick(VALUES) : found))
    default:
      return text.slice(0, at) + dice.pick(['"', '[', ']', '\n', '\\', '\0']) + text.slice(at + 1)
  }
}

import type { Socket } from '../../../../src/index.ts'
import { type Dice } from '../../../support/dice.ts'
import { Lottery } from '../lottery.ts'
import { boom, Nuisance, type Mischief } from './menagerie.ts'

/** What sockets have to do with: the manager that they call back, and somebody who hears what they should not have got. */
export interface SocketCompany extends Mischief {
  readonly dice: Dice
  /** Told of every text that a socket is sent. */
  received(text: unknown): void
  /** Told of every frame that is written. */
  written(): void
}

type Answer = (company: SocketCompany) => unknown

const hang = (): Promise<never> => new Promise(() => {})
const reject = (): Promise<never> => Promise.reject(new Nuisance('a socket rejects'))

/** What a `send` may do instead of taking a text quietly. */
const SENDS = new Lottery<Answer>([
  [boom, 1],
  [() => reject(), 1],
  [() => hang(), 2],
  [() => Promise.resolve(), 4],
  [() => 0, 2],
  [() => ({ then: boom }), 1],
  [() => Object.defineProperty({}, 'then', { get: boom }), 1],
  [() => ({ then: (resolve: () => void) => resolve() }), 1],
  [({ reenter }) => reenter(), 12],
  [({ reenter }) => (reenter(), reenter(), boom()), 0.5],
])

const CLOSES = new Lottery<Answer>([
  [() => {}, 12],
  [() => Promise.resolve(), 4],
  [() => hang(), 2],
  [boom, 1],
  [() => reject(), 1],
  [() => ({ then: boom }), 1],
  [({ reenter }) => reenter(), 2],
])

const SHARE_OF_MISCHIEF = 0.03

/** How much a socket says it has buffered: mostly nothing. */
function reading(dice: Dice): unknown {
  if (dice.chance(0.75)) return 0
  return dice.pick([NaN, -1, Infinity, 50, 100, 1_000, 2 ** 40, undefined, '7', 7n, null, {}])
}

function quietSocket(company: SocketCompany): Socket {
  return { send: (text) => company.received(text), close() {} }
}

function nastySocket(company: SocketCompany): Socket {
  const { dice } = company
  const close = CLOSES.draw(dice)
  return {
    send(text) {
      company.received(text)
      return (dice.chance(SHARE_OF_MISCHIEF) ? SENDS.draw(dice)(company) : undefined) as void
    },
    close: () => close(company) as void,
  }
}

function meteredSocket(company: SocketCompany): Socket {
  const get = (): unknown => (company.dice.chance(0.005) ? boom() : company.dice.chance(0.01) ? company.reenter() : reading(company.dice))
  return Object.defineProperty(nastySocket(company), 'bufferedAmount', { get })
}

function socketWithGetBufferedAmount(company: SocketCompany): Socket {
  const getBufferedAmount = (): unknown => (company.dice.chance(0.005) ? boom() : reading(company.dice))
  return Object.assign(nastySocket(company), { getBufferedAmount })
}

/** Its `send` can be read once. */
function fickleSocket(company: SocketCompany): Socket {
  let reads = 0
  const { send, close } = nastySocket(company)
  const get = (): unknown => (++reads > 1 && company.dice.chance(0.05) ? boom() : send)
  return Object.defineProperty({ close } as Socket, 'send', { get })
}

/** To look at its `close` is to set something off. */
function trappedSocket(company: SocketCompany): Socket {
  const { send, close } = nastySocket(company)
  return Object.defineProperty({ send } as Socket, 'close', { get: () => (company.reenter(), close) })
}

/** It may have closed before it is added, and may set something off when it is asked. */
function socketWithReadyState(company: SocketCompany): Socket {
  const { dice, reenter } = company
  const get = (): unknown => (dice.chance(0.02) ? boom() : dice.chance(0.02) ? reenter() : dice.chance(0.8) ? 1 : dice.pick([0, 2, 3, '3', NaN, {}]))
  return Object.defineProperty(nastySocket(company), 'readyState', { get })
}

function proxiedSocket(company: SocketCompany): Socket {
  return new Proxy(nastySocket(company), {})
}

function functionSocket(company: SocketCompany): Socket {
  return Object.assign(() => {}, nastySocket(company))
}

const SOCKETS = new Lottery<(company: SocketCompany) => Socket>([
  [quietSocket, 10],
  [nastySocket, 6],
  [meteredSocket, 6],
  [socketWithGetBufferedAmount, 2],
  [fickleSocket, 0.5],
  [trappedSocket, 1],
  [socketWithReadyState, 1],
  [proxiedSocket, 1],
  [functionSocket, 0.5],
  [(company) => Object.freeze(nastySocket(company)), 1],
])

/** A socket of some temperament. */
export function someSocket(company: SocketCompany): Socket {
  return SOCKETS.draw(company.dice)(company)
}

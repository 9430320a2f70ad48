import { streams, SYMBOLS, USERS, type Stream } from './catalogue.ts'
import type { SubscriptionFact } from './facts.ts'
import type { Authorization, RevokedBy, RevokeFlaw, SubscribeFlaw } from './operations.ts'

/** A request for a subscription, with what is wrong about it. */
export function requestOf(
  userId: string,
  stream: Stream,
  filters: object | undefined,
  flaw: SubscribeFlaw | undefined,
): object | undefined {
  const request = { userId, ...stream, ...(filters !== undefined && { filters }) }
  switch (flaw) {
    case 'nothing':
      return undefined
    case 'unknownType':
      return { ...request, streamType: 'constructor' }
    case 'noSymbol':
      return { ...request, symbol: undefined }
    case 'symbolTooMuch':
      return { ...request, symbol: 'x' }
    case 'badSymbol':
      return { ...request, symbol: 'x'.repeat(256) }
    case 'badUser':
      return { ...request, userId: '' }
    case 'badFilters':
      return { ...request, filters: new Map([['depth', 1]]) }
    case 'longFilters':
      return { ...request, filters: { depth: 'x'.repeat(100) } }
    case 'unknownField':
      return { ...request, simbol: 'x' }
    case 'otherUser':
      return { ...request, userId: `${userId} and another` }
    case undefined:
      return request
  }
}

/** A promise that rejects, as the answer to a call of `authorize`. */
export class Rejection {
  get promise(): Promise<never> {
    return Promise.reject(new Error('not allowed, later'))
  }
}

/** What `authorize` answers, or throws. */
export function answerOf(answer: Authorization['answer']): unknown {
  switch (answer) {
    case 'yes':
      return true
    case 'no':
      return false
    case 'truthy':
      return 'true'
    case 'promise':
      return Promise.resolve(true)
    case 'rejection':
      return new Rejection()
    case 'throw':
      throw new Error('no access')
  }
}

/** What is revoked: a field that is `undefined` stands for any. */
export interface Revocation {
  readonly userId: string | undefined
  readonly streamType: string | undefined
  readonly symbol: string | undefined
}

const ANYTHING: Revocation = { userId: undefined, streamType: undefined, symbol: undefined }

/** A revocation of some of what is named, with what is wrong about it. */
export function revocationOf(userId: string | undefined, stream: Stream, by: RevokedBy, flaw: RevokeFlaw | undefined): Revocation {
  const user = userId ?? USERS[0]
  const { streamType, symbol = SYMBOLS[0] } = stream
  switch (flaw) {
    case 'nothing':
      return ANYTHING
    case 'unknownType':
      return { ...ANYTHING, streamType: 'valueOf', userId: user }
    case 'symbolTooMuch':
      return { ...ANYTHING, streamType: 'NEWS', symbol: 'x' }
    case 'badUser':
      return { ...ANYTHING, userId: '' }
    case 'badSymbol':
      return { ...ANYTHING, userId: user, symbol: '\ud800' }
    case 'unknownField':
      return Object.assign({ simbol: symbol }, ANYTHING, { userId: user })
    case undefined:
  }
  switch (by) {
    case 'user':
      return { ...ANYTHING, userId: user }
    case 'type':
      return { ...ANYTHING, streamType }
    case 'symbol':
      return { ...ANYTHING, symbol }
    case 'userType':
      return { ...ANYTHING, userId: user, streamType }
    case 'userSymbol':
      return { ...ANYTHING, userId: user, symbol }
    case 'typeSymbol':
      return { ...ANYTHING, streamType, symbol: streams[streamType].symbol === 'none' ? undefined : symbol }
  }
}

/** Whether it takes a subscription away. A named symbol takes whole types away, too: they would bring it. */
export function isRevokedBy({ userId, stream }: SubscriptionFact, revocation: Revocation): boolean {
  const isWhole = stream.symbol === undefined && streams[stream.streamType].symbol === 'optional'
  return (
    (revocation.userId ?? userId) === userId &&
    (revocation.streamType ?? stream.streamType) === stream.streamType &&
    (revocation.symbol === undefined || isWhole || revocation.symbol === stream.symbol)
  )
}

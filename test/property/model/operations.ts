// What a sequence is made of. Numbers choose among what there is when the operation's turn comes, so that an operation keeps its
// meaning when others are taken out before it. They are positions, counted from 0 and round again at the end.

import type { EVENT_NAMES } from '../../support/event-names.ts'

/** What a hook does in the end, once it has done the rest. */
export type Answer =
  | 'ok'
  | 'throw'
  /** A promise that rejects. */
  | 'reject'
  /** A promise that resolves. */
  | 'resolve'
  /** A promise that never settles. */
  | 'hang'
  /** Throws what its last operation was refused with, if it was. */
  | 'passOn'

/** What user code does when it is called. */
export interface Reaction {
  readonly answer: Answer
  readonly meanwhile: readonly Operation[]
}

/** What `authorize` does when it is asked. */
export interface Authorization {
  readonly answer: 'yes' | 'no' | 'truthy' | 'throw' | 'promise' | 'rejection'
  readonly meanwhile: readonly Operation[]
}

/** What is published, and what happens when it is serialized. */
export interface Content {
  readonly form: 'object' | 'raw' | 'throwing' | 'formless'
  readonly padding: number
  readonly meanwhile: readonly Operation[]
}

/** What a publish has besides its message. */
export interface Extras {
  /** Connections that are left out. */
  readonly except: readonly number[]
  /** The wire form was made elsewhere. */
  readonly hasText: boolean
  /** What the recorder does with it, if there is one. */
  readonly recorded: Reaction | undefined
  readonly skipped: Reaction | undefined
  readonly flaw: ExtraFlaw | undefined
}

export const NO_EXTRAS: Extras = { except: [], hasText: false, recorded: undefined, skipped: undefined, flaw: undefined }

/** What one of the recipients does when its turn comes. */
export interface Trouble {
  readonly recipient: number
  readonly reaction: Reaction
}

export type EventName = (typeof EVENT_NAMES)[number]

export type ConnectFlaw = 'same' | 'otherSocket' | 'otherUser' | 'badId' | 'badUser' | 'badSocket' | 'closedSocket'
export type SubscribeFlaw = 'unknownType' | 'noSymbol' | 'symbolTooMuch' | 'badSymbol' | 'badUser' | 'otherUser' | 'badFilters' | 'longFilters' | 'unknownField' | 'nothing'
export type MessageFlaw =
  | 'unknownType'
  | 'noSymbol'
  | 'symbolTooMuch'
  | 'badSymbol'
  | 'recipientTooMuch'
  | 'noRecipient'
  | 'badRecipient'
  | 'badTimestamp'
  | 'nothing'
export type ExtraFlaw = 'badExcept' | 'badText' | 'unknownOption'
export type SourceFlaw = 'unknownType' | 'noSymbol' | 'symbolTooMuch' | 'badSymbol' | 'recipientTooMuch' | 'noRecipient' | 'badRecipient' | 'unknownField' | 'nothing' | 'badFact'
/** By which fields something is revoked. */
export type RevokedBy = 'user' | 'type' | 'symbol' | 'userType' | 'userSymbol' | 'typeSymbol'
export type ReassignFlaw = 'badUser' | 'noUser'
/** How a connection is removed: `told` with a code and a reason, `badCode` and `badReason` with such as may not be sent. */
export type Ending = 'close' | 'gone' | 'onClose' | 'byId' | 'told' | 'badCode' | 'badReason'
export type RevokeFlaw = 'nothing' | 'unknownType' | 'symbolTooMuch' | 'badUser' | 'badSymbol' | 'unknownField'

export type Operation =
  /** Connects, and subscribes what came. */
  | {
      readonly do: 'join'
      readonly user: number
      readonly id: number
      readonly kind: number
      readonly streams: readonly number[]
      readonly asUser: boolean
    }
  | { readonly do: 'connect'; readonly user: number; readonly id: number; readonly kind: number; readonly flaw: ConnectFlaw | undefined }
  | {
      readonly do: 'subscribe'
      readonly who: number
      readonly stream: number
      readonly filters: boolean
      readonly authorization: Authorization
      readonly flaw: SubscribeFlaw | undefined
    }
  /** Of a user, of one who is not there, or again what somebody has: those who wait for a connection first. */
  | {
      readonly do: 'addSubscription'
      readonly user: number
      readonly stream: number
      readonly whose: 'anybody' | 'absent' | 'again'
      readonly filters: boolean
      readonly authorization: Authorization
      readonly flaw: SubscribeFlaw | undefined
    }
  /** Somebody who is not there, or was for a moment, is subscribed, is so again after half of the time to wait, and does not come. */
  | { readonly do: 'pend'; readonly user: number; readonly stream: number; readonly visits: boolean }
  | { readonly do: 'unsubscribe'; readonly which: number }
  | { readonly do: 'removeSubscription'; readonly which: number }
  | {
      readonly do: 'revoke'
      readonly which: number
      readonly by: RevokedBy
      readonly comeBack: boolean
      readonly flaw: RevokeFlaw | undefined
    }
  /** Publishes, and takes the right to it away, while it is serialized or recorded or afterwards, from those who come back for it at once. */
  | { readonly do: 'regain'; readonly where: number; readonly by: RevokedBy; readonly when: 'meanwhile' | 'recorded' | 'afterwards' }
  /** The source of a stream fails, and somebody comes for it: while they are told, this happens. */
  | { readonly do: 'greet'; readonly where: number; readonly id: number; readonly kind: number; readonly meanwhile: readonly Operation[] }
  /** Publishes, and leaves somebody out: when they are to be told, or when others are, something happens to them. */
  | { readonly do: 'leaveOut'; readonly where: number; readonly who: number; readonly when: 'sent' | 'skipped'; readonly meanwhile: readonly Operation[] }
  /**
   * Gives a connection to another user, or to its own. The other may subscribe before to what the connection holds, or to its whole type.
   * `authorize` gives these answers, one after the other. Then it may be published what the connection receives.
   */
  | {
      readonly do: 'reassign'
      readonly who: number
      readonly user: number
      readonly isSame: boolean
      readonly isAwaited: boolean
      readonly isProbed: boolean
      readonly answers: readonly Authorization['answer'][]
      readonly meanwhile: readonly Operation[]
      readonly handedOn: Reaction
      readonly flaw: ReassignFlaw | undefined
    }
  /** Of what waits some may be handed on first: then the socket does this. */
  | { readonly do: 'remove'; readonly who: number; readonly how: Ending; readonly handedOn: Reaction }
  | { readonly do: 'removeUser'; readonly user: number; readonly handedOn: Reaction }
  /** Goes, perhaps with a message on its way to it, and comes again with its id, for what it held. */
  | { readonly do: 'reconnect'; readonly who: number; readonly how: 'close' | 'gone'; readonly kind: number; readonly isSentTo: boolean }
  /** A socket breaks, which shows when what waits is handed to it. */
  | { readonly do: 'breakDown'; readonly who: number }
  /** A connection falls behind, and messages come that it is subscribed to; then it may have some room. */
  | {
      readonly do: 'burst'
      readonly who: number
      readonly paddings: readonly number[]
      readonly first: number
      readonly accepts: 'all' | 'none' | 'one'
      readonly then: 'tick' | 'drained' | 'nothing'
    }
  | {
      readonly do: 'publish'
      readonly where: number
      readonly content: Content
      readonly extras: Extras
      readonly troubles: readonly Trouble[]
      readonly flaw: MessageFlaw | undefined
    }
  | {
      readonly do: 'send'
      readonly way: 'sendToUser' | 'sendToConnection' | 'broadcast'
      readonly who: number
      readonly stream: number
      readonly recipient: 'none' | 'right' | 'wrong'
      readonly content: Content
      /** To one connection alone. */
      readonly extras: Extras
      readonly troubles: readonly Trouble[]
      readonly flaw: MessageFlaw | undefined
    }
  /** A text of the host's own to one connection. */
  | {
      readonly do: 'sendText'
      readonly who: number
      readonly padding: number
      readonly flaw: 'noText' | 'tooLong' | undefined
      readonly troubles: readonly Trouble[]
    }
  /** Makes several calls one step. */
  | { readonly do: 'batch'; readonly steps: readonly Operation[]; readonly ending: 'returns' | 'throws' | 'promise' }
  /** Tells those who receive a stream, or any stream of its type, that messages are missing. */
  | {
      readonly do: 'notifyGap'
      readonly where: number
      readonly isOfAll: boolean
      readonly isCounted: boolean
      /** What `serializeNotice` does, if there is one. */
      readonly made: Reaction
      readonly flaw: SourceFlaw | undefined
    }
  | {
      readonly do: 'setStreamStatus'
      readonly where: number
      readonly status: 'CONNECTED' | 'RECONNECTING' | 'ERROR'
      readonly made: Reaction
      readonly flaw: SourceFlaw | undefined
    }
  /** Purges what waits of a stream, or of a type, for one connection. */
  | { readonly do: 'purge'; readonly who: number; readonly stream: number; readonly isOfType: boolean; readonly flaw: 'nothing' | 'unknownField' | undefined }
  /** What `serializeNotice` does when it is next asked for what a newcomer is told. */
  | { readonly do: 'armNewcomer'; readonly reaction: Reaction }
  /** What a socket does at its next `close`. */
  | { readonly do: 'armClose'; readonly who: number; readonly reaction: Reaction }
  /** What a socket does at its next `send` or `write`. */
  | { readonly do: 'armSend'; readonly who: number; readonly reaction: Reaction }
  /** What a transport's `frame` does at the next message. */
  | { readonly do: 'armFrame'; readonly reaction: Reaction }
  /** What a listener does at the next event of this name. */
  | { readonly do: 'armListener'; readonly event: number; readonly reaction: Reaction }
  /** Registers a further listener, or takes the oldest of them off. */
  | { readonly do: 'listen'; readonly event: number; readonly isOff: boolean }
  /** What a socket has buffered from now on, and how many frames it accepts. */
  | {
      readonly do: 'press'
      readonly who: number
      readonly buffered: 'nothing' | 'little' | 'much' | 'nonsense'
      readonly accepts: 'all' | 'none' | 'one'
    }
  /** Lets a socket have room, and says so in one of two ways, or not at all. */
  | { readonly do: 'drain'; readonly who: number; readonly tells: 'drained' | 'listener' | 'nobody' }
  /** What waits is handed on: then the socket does this. */
  | { readonly do: 'flush'; readonly who: number; readonly handedOn: Reaction }
  | { readonly do: 'ask'; readonly who: number }
  | { readonly do: 'tick' }
  | { readonly do: 'advance'; readonly by: number }
  | { readonly do: 'jump'; readonly ms: number }
  | { readonly do: 'recover' }
  | { readonly do: 'cleanup'; readonly deadline: number }

export type OperationOf<TName extends Operation['do']> = Extract<Operation, { do: TName }>

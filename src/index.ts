export { ConnectionManager } from './connection-manager.ts'
export type { ConnectionManagerOptions, DeliveryOptions, QuotaOptions } from './options.ts'
export type { Clock } from './clock.ts'
export type { CleanupReport } from './closing/socket-closer.ts'
export type { CloseReason, Connection, Socket } from './connection.ts'
export type { Stats } from './delivery/totals.ts'
export { ConnectionManagerError } from './errors.ts'
export type { AuthorizationRequest } from './entitlements/authorization.ts'
export type { ErrorCode, ErrorFacts, QuotaName } from './errors.ts'
export type { ActiveStream, ErrorStage, ManagerEvents, SubscriptionEvent } from './events.ts'
export type { PublishResult } from './publish-result.ts'
export { defineStreams, tradingStreams } from './streams/catalogue.ts'
export type {
  Audience,
  DefinedStreams,
  DeliveryClass,
  OverflowPolicy,
  PayloadOf,
  PrivateStreamDefinition,
  PublicStreamDefinition,
  StreamCatalogue,
  StreamDefinition,
  SymbolRule,
  SymbolRuleOf,
  TradingStreams,
} from './streams/catalogue.ts'
export type { GapNotice } from './streams/gap-notice.ts'
export { parseStreamKey, parseSubscriptionKey, streamKey, subscriptionKey } from './streams/keys.ts'
export type { StreamKeyParts, SubscriptionKeyParts } from './streams/keys.ts'
export { rawJson } from './streams/raw-json.ts'
export type { RawJson } from './streams/raw-json.ts'
export type { Revocation } from './streams/revocation.ts'
export { createStreamMessage } from './streams/stream-message.ts'
export type {
  AddressedMessage,
  MessageOptions,
  PublicMessage,
  PublishableMessage,
  StreamMessage,
  ValidMessage,
} from './streams/stream-message.ts'
export { parseServerMessage, parseStreamMessage, serializeStreamMessage } from './streams/wire-form.ts'
export type { ServerMessage } from './streams/wire-form.ts'
export type { ManagerTransport, Transport, TransportHooks } from './transport.ts'
export type { SubscriptionFilters } from './streams/filters.ts'
export { StreamType } from './streams/stream-type.ts'
export { SubscriptionStatus } from './streams/subscription.ts'
export type {
  ConnectionSubscribeRequest,
  OwnSubscription,
  StreamReference,
  StreamTypeName,
  SubscribeRequest,
  Subscription,
  SubscriptionReference,
} from './streams/subscription.ts'

export { ConnectionManager } from './connection-manager.ts'
export type { ConnectionManagerOptions, ConnectionOptions, ConnectionOptionsArgument, DataFor, DeliveryOptions, QuotaOptions } from './options.ts'
export type { Clock } from './time/clock.ts'
export type { CleanupReport } from './closing/socket-closer.ts'
export type { CloseDetails, CloseReason, Connection, RemovalOptions, Socket } from './ports/connection.ts'
export type { Stats } from './delivery/totals.ts'
export { ConnectionManagerError } from './errors.ts'
export type { AuthorizationRequest } from './access/authorization.ts'
export type { ErrorCode, ErrorFacts, QuotaName } from './errors.ts'
export type { ActiveStream, ErrorStage, ManagerEvents, SubscriptionEvent } from './events/events.ts'
export type { AnyHandle, PublishOptions, SendOptions } from './model/publish-options.ts'
export type { PublishResult } from './model/publish-result.ts'
export { defineStreams, tradingStreams } from './model/catalogue.ts'
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
} from './model/catalogue.ts'
export type { GapNotice, Notice, SkipNotice, StatusNotice, StreamStatus, SubscribedNotice } from './model/notices.ts'
export { parseStreamKey, parseSubscriptionKey, streamKey, subscriptionKey } from './model/keys.ts'
export type { StreamKeyParts, SubscriptionKeyParts } from './model/keys.ts'
export type { StreamSource } from './model/source.ts'
export { rawJson } from './model/raw-json.ts'
export type { RawJson } from './model/raw-json.ts'
export type { Revocation } from './model/revocation.ts'
export { createStreamMessage } from './model/stream-message.ts'
export type {
  AddressedMessage,
  MessageOptions,
  PublicMessage,
  PublishableMessage,
  StreamMessage,
  ValidMessage,
  WithoutData,
} from './model/stream-message.ts'
export { parseServerMessage, parseStreamMessage, serializeStreamMessage } from './model/wire-form.ts'
export type { ServerMessage, UnknownNotice } from './model/wire-form.ts'
export type { MessagePlace } from './model/wire-reading.ts'
export type { RecordedStream, Recorder, RecorderSettings } from './ports/recorder.ts'
export type { ManagerTransport, Transport, TransportHooks } from './ports/transport.ts'
export type { SubscriptionFilters } from './model/filters.ts'
export { StreamType } from './model/stream-type.ts'
export { SubscriptionStatus } from './model/subscription.ts'
export type {
  ConnectionSubscribeRequest,
  OwnSubscription,
  StreamReference,
  StreamTypeName,
  SubscribeRequest,
  Subscription,
  SubscriptionChange,
  SubscriptionEndReason,
  SubscriptionReference,
} from './model/subscription.ts'

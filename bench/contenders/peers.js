import { CrosswsHub } from './crossws.js'
import { EventEmitterHub, MittHub, NanoEventsHub } from './emitters.js'
import { FiveMapsHub } from './five-maps.js'
import { SocketIoAdapterHub } from './socket-io-adapter.js'

/** The names that tables have → what makes the peer. */
export const PEERS = {
  'five maps': () => new FiveMapsHub(),
  'socket.io-adapter': () => new SocketIoAdapterHub(),
  crossws: () => new CrosswsHub(),
  EventEmitter: () => new EventEmitterHub(),
  mitt: () => new MittHub(),
  nanoevents: () => new NanoEventsHub(),
}

import { EventEmitter } from 'node:events'
import mitt from 'mitt'
import { createNanoEvents } from 'nanoevents'

/** What a server makes of an emitter: a listener for each connection and stream, which it has to take off again. */
class EmitterHub {
  join({ socket }) {
    return { listener: (text) => socket.send(text), offs: [] }
  }

  subscribe({ listener, offs }, symbols) {
    for (const symbol of symbols) offs.push(this.on(symbol, listener))
  }

  leave({ offs }) {
    for (const off of offs.splice(0)) off()
  }

  publish(symbol, text) {
    this.emitter.emit(symbol, text)
  }
}

export class EventEmitterHub extends EmitterHub {
  emitter = new EventEmitter().setMaxListeners(0)

  on(symbol, listener) {
    this.emitter.on(symbol, listener)
    return () => this.emitter.off(symbol, listener)
  }
}

export class MittHub extends EmitterHub {
  emitter = mitt()

  on(symbol, listener) {
    this.emitter.on(symbol, listener)
    return () => this.emitter.off(symbol, listener)
  }
}

export class NanoEventsHub extends EmitterHub {
  emitter = createNanoEvents()

  on(symbol, listener) {
    return this.emitter.on(symbol, listener)
  }
}

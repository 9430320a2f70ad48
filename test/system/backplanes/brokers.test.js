import { describe, it } from 'node:test'
import { describeBackplane } from '../../../src/testing/index.ts'
import { BrokerProcess } from './broker-process.ts'
import { clientLibraries } from './clients.ts'

for (const { name, broker, connect } of clientLibraries) {
  const start = async () => {
    const running = await BrokerProcess.start(broker)
    return {
      connect: () => connect(running.port),
      kill: () => running.kill(),
      restart: () => running.restart(),
      freeze: () => running.freeze(),
      thaw: () => running.thaw(),
      stop: () => running.kill(),
    }
  }
  describeBackplane(name, { start }, { describe, it })
}

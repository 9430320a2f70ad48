import { metrics } from '@opentelemetry/api'
import { ConnectionManager } from 'stream-connection-manager'
import { instrument } from 'stream-connection-manager/operations'
import { createRecovery } from 'stream-connection-manager/recovery'

const recovery = createRecovery()
const manager = new ConnectionManager({ recorder: recovery })

instrument(manager, metrics.getMeter('stream-connection-manager'), { recovery })

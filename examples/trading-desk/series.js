/**
 * What the page shows of the metrics of a node, and what each means. A series that has an attribute, such as `outcome`, stands here with the value of
 * the attribute. The guide to production lists all series.
 *
 * @type {Readonly<Record<string, string>>}
 */
export const MAIN_SERIES = {
  'connection.count': 'connections',
  'connection.behind': 'connections for which messages wait',
  'connection.additions': 'connections that came',
  'connection.removals peer-closed': 'connections that their tabs closed',
  'connection.removals slow-consumer': 'connections that read too slowly',
  'message.deliveries sent': 'messages handed to a line',
  'message.deliveries conflated': 'messages replaced by a newer one',
  'message.deliveries dropped': 'messages given up, and told',
  'queue.size': 'bytes that wait',
  'publish.duration mean': 'microseconds for a publish, on average',
  'publish.recipients mean': 'tabs that a publish reaches, on average',
  'recovery.message.count': 'messages kept for tabs that come back',
  'recovery.resumes recovered': 'streams resumed without a loss',
  'recovery.resumes refused': 'streams of which too much was missed',
  'protocol.commands': 'commands of the tabs',
  'protocol.refusals': 'commands that were refused',
  'cluster.up': 'is 1 while the other nodes can be reached',
  'cluster.received.messages': 'messages from the exchange and other nodes',
  'cluster.repairs': 'times that missing messages were asked for',
}

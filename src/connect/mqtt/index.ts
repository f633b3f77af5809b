export { startEmbeddedBroker } from './broker.ts';
export type { EmbeddedBroker } from './broker.ts';
export type { AckMode, FieldOrigin, MqttConnection, MqttSinkOptions, MqttSourceOptions, MqttTopic, Qos } from './options.ts';
export { MqttSink } from './sink.ts';
export { MqttSource } from './source.ts';

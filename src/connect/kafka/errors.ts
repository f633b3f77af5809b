/** What a broker, or the way to it, answered in place of a result. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError';
  /** Kafka's own number of the error. */
  readonly code: number;
  /** Whether trying again, after a look for the right broker, may help. */
  readonly retriable: boolean;
  /** Where it happened, what was said; without the code's name. */
  readonly detail: string;

  constructor(code: number, detail = '', options?: ErrorOptions) {
    const known = ERRORS[code];
    const named = code === CODE.NETWORK && detail !== '' ? '' : known === undefined ? `Kafka error ${code}` : `${known[0]} (${known[1]})`;
    super([named, detail].filter((part) => part !== '').join(': '), options);
    this.code = code;
    this.retriable = RETRIABLE.has(code);
    this.detail = detail;
  }

  /** The same error, told as what could not be done because of it. */
  static within(error: KafkaError, message: string): KafkaError {
    const outer = new KafkaError(error.code, error.detail, { cause: error });
    outer.message = message;
    return outer;
  }
}

/** Codes that the client acts on. NETWORK is also given to what never reached a broker. */
export const CODE = {
  NONE: 0, OFFSET_OUT_OF_RANGE: 1, CORRUPT_MESSAGE: 2, UNKNOWN_TOPIC_OR_PARTITION: 3, NETWORK: 13, COORDINATOR_LOAD_IN_PROGRESS: 14, COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16, ILLEGAL_GENERATION: 22, UNKNOWN_MEMBER_ID: 25, REBALANCE_IN_PROGRESS: 27, TOPIC_ALREADY_EXISTS: 36, OUT_OF_ORDER_SEQUENCE: 45,
  DUPLICATE_SEQUENCE: 46, INVALID_PRODUCER_EPOCH: 47, INVALID_TXN_STATE: 48, INVALID_PRODUCER_ID_MAPPING: 49, CONCURRENT_TRANSACTIONS: 51,
  TRANSACTION_COORDINATOR_FENCED: 52, UNKNOWN_PRODUCER_ID: 59, MEMBER_ID_REQUIRED: 79, FENCED_INSTANCE_ID: 82, UNSTABLE_OFFSET_COMMIT: 88, PRODUCER_FENCED: 90,
} as const;

const RETRIABLE: ReadonlySet<number> = new Set([3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 74, 75, 88, 100]);

const ERRORS: Readonly<Record<number, readonly [name: string, meaning: string]>> = {
  [-1]: ['UNKNOWN_SERVER_ERROR', 'the broker failed in a way it does not name; see its log'],
  1: ['OFFSET_OUT_OF_RANGE', 'the partition does not hold that offset'],
  2: ['CORRUPT_MESSAGE', 'a batch arrived damaged'],
  3: ['UNKNOWN_TOPIC_OR_PARTITION', 'no such topic or partition on that broker'],
  5: ['LEADER_NOT_AVAILABLE', 'the partition has no leader at the moment'],
  6: ['NOT_LEADER_OR_FOLLOWER', 'the partition has moved to another broker'],
  7: ['REQUEST_TIMED_OUT', 'the broker could not do it in time'],
  9: ['REPLICA_NOT_AVAILABLE', 'the replica is not available'],
  10: ['MESSAGE_TOO_LARGE', 'a batch is larger than the topic allows; see max.message.bytes'],
  12: ['OFFSET_METADATA_TOO_LARGE', 'the metadata of an offset is longer than the broker allows; see offset.metadata.max.bytes'],
  13: ['NETWORK_EXCEPTION', 'no answer from the broker'],
  14: ['COORDINATOR_LOAD_IN_PROGRESS', 'the coordinator is starting'],
  15: ['COORDINATOR_NOT_AVAILABLE', 'there is no coordinator at the moment'],
  16: ['NOT_COORDINATOR', 'the coordinator has moved to another broker'],
  17: ['INVALID_TOPIC_EXCEPTION', 'that is no allowed name of a topic'],
  19: ['NOT_ENOUGH_REPLICAS', 'fewer replicas are in sync than min.insync.replicas asks for'],
  20: ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'fewer replicas are in sync than min.insync.replicas asks for'],
  22: ['ILLEGAL_GENERATION', 'the group has been dealt out anew since'],
  23: ['INCONSISTENT_GROUP_PROTOCOL', 'the group already has members of another kind; use another group name'],
  25: ['UNKNOWN_MEMBER_ID', 'the group has gone on without this member'],
  26: ['INVALID_SESSION_TIMEOUT', 'the session timeout lies outside what the broker allows; see group.min.session.timeout.ms'],
  27: ['REBALANCE_IN_PROGRESS', 'the group is being dealt out anew'],
  29: ['TOPIC_AUTHORIZATION_FAILED', 'no right to this topic'],
  30: ['GROUP_AUTHORIZATION_FAILED', 'no right to this group'],
  31: ['CLUSTER_AUTHORIZATION_FAILED', 'no right to do this in the cluster'],
  33: ['UNSUPPORTED_SASL_MECHANISM', 'the broker does not have this SASL mechanism'],
  35: ['UNSUPPORTED_VERSION', 'the broker is too old or too new for this request; Kafka 2.5 to 4.x are supported'],
  36: ['TOPIC_ALREADY_EXISTS', 'the topic exists'],
  37: ['INVALID_PARTITIONS', 'that is no allowed number of partitions'],
  38: ['INVALID_REPLICATION_FACTOR', 'there are not that many brokers'],
  40: ['INVALID_CONFIG', 'the topic setting is not allowed'],
  41: ['NOT_CONTROLLER', 'the controller has moved to another broker'],
  42: ['INVALID_REQUEST', 'the broker does not understand the request'],
  44: ['POLICY_VIOLATION', 'a policy of the cluster forbids it'],
  45: ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'an earlier batch of this producer is missing'],
  46: ['DUPLICATE_SEQUENCE_NUMBER', 'the batch is there already'],
  47: ['INVALID_PRODUCER_EPOCH', 'another producer has taken over this transactional id'],
  48: ['INVALID_TXN_STATE', 'the transaction is not in a state that allows this'],
  49: ['INVALID_PRODUCER_ID_MAPPING', 'the producer id is not that of this transactional id any more'],
  50: ['INVALID_TRANSACTION_TIMEOUT', 'the transaction timeout is larger than the broker allows; see transaction.max.timeout.ms'],
  51: ['CONCURRENT_TRANSACTIONS', 'the last transaction is still being completed'],
  52: ['TRANSACTION_COORDINATOR_FENCED', 'another coordinator has taken over'],
  53: ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'no right to this transactional id'],
  54: ['SECURITY_DISABLED', 'security features are off'],
  56: ['KAFKA_STORAGE_ERROR', 'the broker cannot reach its disk'],
  58: ['SASL_AUTHENTICATION_FAILED', 'wrong user name or password'],
  59: ['UNKNOWN_PRODUCER_ID', 'the broker has forgotten this producer'],
  74: ['FENCED_LEADER_EPOCH', 'the partition has a newer leader'],
  75: ['UNKNOWN_LEADER_EPOCH', 'the broker does not know of that leader yet'],
  76: ['UNSUPPORTED_COMPRESSION_TYPE', 'the broker does not have this codec'],
  79: ['MEMBER_ID_REQUIRED', 'the member must join again with the id it was given'],
  81: ['GROUP_MAX_SIZE_REACHED', 'the group is full; see group.max.size'],
  82: ['FENCED_INSTANCE_ID', 'another member has taken this instance id'],
  87: ['INVALID_RECORD', 'the broker refused a record'],
  88: ['UNSTABLE_OFFSET_COMMIT', 'a transaction over these offsets is still open'],
  90: ['PRODUCER_FENCED', 'another producer has taken over this transactional id'],
  100: ['UNKNOWN_TOPIC_ID', 'no such topic'],
};

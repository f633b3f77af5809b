import { Random } from './random.ts';
import type { City, Country } from './places.ts';
import { countries, rhythm } from './places.ts';

export interface Customer {
  readonly card: string;
  readonly account: string;
  readonly country: Country;
  readonly home: City;
  readonly device: string;
  /** The merchants most of the spending goes to. */
  readonly merchants: readonly string[];
  /** Median of the payments, in currency units, and the deviation of their logarithm. */
  readonly medianAmount: number;
  readonly sigma: number;
}

const MERCHANTS = 5000;

/** Customers kept worked out. */
const REMEMBERED = 20_000;

/**
 * The customers of a simulated bank. A customer's habits follow from seed and number alone and are worked out when asked for, so a million
 * customers take no more memory than some thousands.
 */
export class Customers {
  private readonly seed: string | number;
  private readonly digits: number;
  /** Numbers of the first customer of each country; one more at the end. */
  private readonly firsts: readonly number[];
  private readonly remembered = new Map<number, Customer>();

  constructor(seed: string | number, count: number) {
    this.seed = seed;
    this.digits = Math.max(4, String(count - 1).length);
    const firsts = [0];
    let share = 0;
    for (const country of countries) {
      share += country.share;
      firsts.push(Math.round(count * share));
    }
    firsts[countries.length] = count;
    this.firsts = firsts;
  }

  /** The number of somebody who is likely to spend at this time, by the local hour of their country. */
  pick(random: Random, time: number): number {
    const weights = countries.map((country, index) => (this.firsts[index + 1]! - this.firsts[index]!) * rhythm(country, time));
    const chosen = random.weighted(weights);
    return random.int(this.firsts[chosen]!, Math.max(this.firsts[chosen]!, this.firsts[chosen + 1]! - 1));
  }

  /** The customer with this number. */
  at(number: number): Customer {
    let customer = this.remembered.get(number);
    if (customer === undefined) {
      customer = this.make(number);
      if (this.remembered.size >= REMEMBERED) this.remembered.clear();
      this.remembered.set(number, customer);
    }
    return customer;
  }

  private make(number: number): Customer {
    const random = Random.forPurpose(this.seed, `customer ${number}`);
    const country = countries[this.firsts.findLastIndex((first, index) => index < countries.length && first <= number)]!;
    const label = String(number).padStart(this.digits, '0');
    return {
      card: `card-${label}`,
      account: `acct-${label}`,
      country,
      home: random.pick(country.cities),
      device: `device-${random.int(0x100000, 0xffffff).toString(16)}`,
      merchants: Array.from({ length: random.int(4, 8) }, () => anyMerchant(random)),
      medianAmount: Math.exp(random.between(Math.log(10), Math.log(90))),
      sigma: random.between(0.2, 0.32),
    };
  }
}

export function anyMerchant(random: Random): string {
  return `m-${random.int(1, MERCHANTS)}`;
}

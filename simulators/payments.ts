import type { Customer } from './customers.ts';
import { anyMerchant, Customers } from './customers.ts';
import type { City } from './places.ts';
import { countries, distanceKm } from './places.ts';
import type { Draft, Incident } from './outbox.ts';
import { Outbox } from './outbox.ts';
import { Random } from './random.ts';
import type { SimulatedEvent, Simulator, SimulatorOptions } from './simulator.ts';
import { checkOptions } from './simulator.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Share of the ordinary moments by what the customer does. */
const HABITS = { pay: 0.9, logIn: 0.07, payFriend: 0.02, forgetPassword: 0.01 } as const;

/** Mean number of events an ordinary moment gives: paying a friend takes three, a forgotten password four. */
const EVENTS_PER_MOMENT = HABITS.pay + HABITS.logIn + 3 * HABITS.payFriend + 4 * HABITS.forgetPassword;

/** Payments of a bank's customers and what they do in online banking; thieves among them. */
export const payments: Simulator = {
  name: 'payments',
  description: 'card payments and online banking of a bank\'s customers; injects card testing, impossible travel, account takeover, leaked cards',
  types: ['Payment', 'Login', 'PasswordReset', 'CustomerVerified', 'NewPayee', 'Transfer'],
  incidents: ['card-testing', 'impossible-travel', 'account-takeover', 'leaked-card'],
  events,
};

/** Without `keys` a customer does something about four times an hour. */
function* events(options: SimulatorOptions): Generator<SimulatedEvent> {
  checkOptions(options);
  const { seed, rate, start, duration, incidentEvery = 1000 } = options;
  const count = options.keys ?? Math.min(1_000_000, Math.max(100, Math.round(rate * 900)));
  const customers = new Customers(seed, count);
  const traffic = Random.forPurpose(seed, 'payments');
  const trouble = Random.forPurpose(seed, 'payment incidents');
  const end = start + duration;
  const outbox = new Outbox(end, (type) => (type === 'Payment' ? 'tx_id' : 'event_id'), options.onLabel);
  const betweenMoments = (SECOND / rate) * EVENTS_PER_MOMENT;
  const betweenIncidents = (SECOND / rate) * incidentEvery;
  const busy = new Busy();

  let nextMoment = start + traffic.exponential(betweenMoments);
  let nextIncident = start + trouble.exponential(betweenIncidents);
  for (let now = Math.min(nextMoment, nextIncident); now < end; now = Math.min(nextMoment, nextIncident)) {
    yield* outbox.before(now);
    if (now === nextMoment) {
      const number = customers.pick(traffic, now);
      const customer = customers.at(number);
      const drafts = busy.isFree(number, now) ? ordinary(traffic, customer, now) : [ordinaryPayment(traffic, customer, now)];
      if (drafts.length > 1) busy.add(number, now, drafts);
      for (const draft of drafts) outbox.put(draft);
      nextMoment += traffic.exponential(betweenMoments);
    } else {
      const number = customers.pick(trouble, now);
      const customer = customers.at(number);
      const { incident, history } = trouble.pick(INCIDENTS)(trouble, customer, now);
      if (busy.isFree(number, now) && outbox.inject(incident)) {
        for (const draft of history) outbox.put(draft);
        busy.add(number, now, incident.drafts);
      }
      nextIncident += trouble.exponential(betweenIncidents);
    }
  }
  yield* outbox.before(end);
}

/**
 * Who is in the middle of a story of several events, an ordinary one or an incident. Nobody is in two at a time, so that each label stands for
 * one story and nothing but plain payments comes between its events.
 */
class Busy {
  private readonly until = new Map<number, number>();
  private pruneAt = 1000;

  isFree(number: number, now: number): boolean {
    return (this.until.get(number) ?? -Infinity) < now;
  }

  add(number: number, now: number, story: readonly Draft[]): void {
    if (this.until.size >= this.pruneAt) {
      for (const [other, time] of this.until) if (time < now) this.until.delete(other);
      this.pruneAt = Math.max(1000, 2 * this.until.size);
    }
    this.until.set(number, Math.max(...story.map((draft) => draft.time)));
  }
}

/** What a customer does on an ordinary occasion: mostly one event, sometimes a short story. */
function ordinary(random: Random, who: Customer, now: number): Draft[] {
  switch ((Object.keys(HABITS) as (keyof typeof HABITS)[])[random.weighted(Object.values(HABITS))]!) {
    case 'pay':
      return [ordinaryPayment(random, who, now)];
    case 'logIn':
      return [login(who, now, who.device, false)];
    case 'payFriend': {
      const payee = anyPayee(random);
      const added = now + random.between(20, 120) * SECOND;
      return [login(who, now, who.device, false), newPayee(who, added, payee),
        transfer(who, added + random.between(10, 120) * SECOND, payee, cents(random.logNormal(80, 0.6)))];
    }
    case 'forgetPassword': {
      // The bank calls back before it lets a new payee be paid: the rule for takeovers must know the difference.
      const verified = now + random.between(60, 300) * SECOND;
      const payee = anyPayee(random);
      const added = verified + random.between(20, 200) * SECOND;
      return [passwordReset(who, now), { type: 'CustomerVerified', time: verified, fields: { account: who.account, by: 'call' } },
        newPayee(who, added, payee), transfer(who, added + random.between(10, 120) * SECOND, payee, cents(random.logNormal(80, 0.6)))];
    }
  }
}

function ordinaryPayment(random: Random, who: Customer, time: number): Draft {
  const merchant = random.chance(0.85) ? random.pick(who.merchants) : anyMerchant(random);
  const amount = cents(Math.max(2.5, random.logNormal(who.medianAmount, who.sigma)));
  return random.chance(0.3) ? online(who, time, merchant, amount) : inShop(random, who, time, merchant, amount, who.home, who.country.code);
}

/** An incident, and ordinary events around it that make it stand out. */
type MakeIncident = (random: Random, who: Customer, now: number) => { readonly incident: Incident; readonly history: readonly Draft[] };

const INCIDENTS: readonly MakeIncident[] = [cardTesting, impossibleTravel, accountTakeover, leakedCard];

/** A thief tries a stolen card with cents, then spends. */
function cardTesting(random: Random, who: Customer, now: number): ReturnType<MakeIncident> {
  const drafts: Draft[] = [];
  let time = now;
  for (let probes = random.int(3, 7); probes > 0; probes--) {
    drafts.push(online(who, time, anyMerchant(random), cents(random.between(0.2, 1.9))));
    time += random.between(4, 45) * SECOND;
  }
  drafts.push(online(who, time + random.between(5, 90) * SECOND, anyMerchant(random), cents(random.between(550, 2500))));
  return { incident: { kind: 'card-testing', key: who.card, drafts }, history: [] };
}

/** A copied card is used in a shop on another continent. */
function impossibleTravel(random: Random, who: Customer, now: number): ReturnType<MakeIncident> {
  const far = countries.flatMap((country) => country.cities.map((city) => ({ country, city })))
    .filter(({ city }) => distanceKm(city, who.home) > 3000);
  const { country, city } = random.pick(far);
  const drafts = [
    inShop(random, who, now, random.pick(who.merchants), cents(random.logNormal(who.medianAmount, who.sigma)), who.home, who.country.code),
    inShop(random, who, now + random.between(2, 30) * MINUTE, anyMerchant(random), cents(random.logNormal(who.medianAmount, who.sigma)), city, country.code),
  ];
  return { incident: { kind: 'impossible-travel', key: who.card, drafts }, history: [] };
}

/** A thief resets the password, logs in from elsewhere, adds a payee and empties the account. */
function accountTakeover(random: Random, who: Customer, now: number): ReturnType<MakeIncident> {
  const loggedIn = now + random.between(20, 120) * SECOND;
  const added = loggedIn + random.between(20, 300) * SECOND;
  const payee = anyPayee(random);
  const drafts = [
    passwordReset(who, now),
    login(who, loggedIn, `device-${random.int(0x100000, 0xffffff).toString(16)}`, true),
    newPayee(who, added, payee),
    transfer(who, added + random.between(20, 600) * SECOND, payee, cents(random.between(900, 9000))),
  ];
  return { incident: { kind: 'account-takeover', key: who.account, drafts }, history: [] };
}

/** After a run of ordinary payments a stranger spends several times as much as the holder ever does. */
function leakedCard(random: Random, who: Customer, now: number): ReturnType<MakeIncident> {
  const history: Draft[] = [];
  let time = now;
  for (let bought = random.int(21, 24); bought > 0; bought--) {
    history.push(ordinaryPayment(random, who, time));
    time += random.between(10, 60) * SECOND;
  }
  const drafts: Draft[] = [];
  for (let bought = random.int(2, 4); bought > 0; bought--) {
    drafts.push(online(who, time, anyMerchant(random), cents(who.medianAmount * random.between(5, 9))));
    time += random.between(20, 120) * SECOND;
  }
  return { incident: { kind: 'leaked-card', key: who.card, drafts }, history };
}

function online(who: Customer, time: number, merchant: string, amount: number): Draft {
  return { type: 'Payment', time, fields: { card: who.card, merchant, amount, channel: 'online', country: who.country.code } };
}

/** A payment within some kilometres of the city's centre. */
function inShop(random: Random, who: Customer, time: number, merchant: string, amount: number, city: City, country: string): Draft {
  const lat = Math.round((city.lat + random.between(-0.06, 0.06)) * 1e4) / 1e4;
  const lon = Math.round((city.lon + random.between(-0.06, 0.06)) * 1e4) / 1e4;
  return { type: 'Payment', time, fields: { card: who.card, merchant, amount, channel: 'shop', country, lat, lon } };
}

function login(who: Customer, time: number, device: string, newDevice: boolean): Draft {
  return { type: 'Login', time, fields: { account: who.account, device, new_device: newDevice } };
}

function passwordReset(who: Customer, time: number): Draft {
  return { type: 'PasswordReset', time, fields: { account: who.account } };
}

function newPayee(who: Customer, time: number, payee: string): Draft {
  return { type: 'NewPayee', time, fields: { account: who.account, payee } };
}

function transfer(who: Customer, time: number, payee: string, amount: number): Draft {
  return { type: 'Transfer', time, fields: { account: who.account, payee, amount } };
}

function anyPayee(random: Random): string {
  return `payee-${random.int(10_000, 99_999)}`;
}

function cents(amount: number): number {
  return Math.round(amount * 100) / 100;
}

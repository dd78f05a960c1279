/* The return of a handler looks for another one only if the last look passed something over, or one was asked for since (rules R41, R57 of
   interrupts.md). Two ISRs raise K times each; source 0 is the more urgent, source 1 is looked at first: numbers do not follow urgency.
   Handlers take an operation or two, each a safe point.
   VARIANT 0  noted: what is not more urgent than what runs, and what gives way to something more urgent        must verify
   VARIANT 1  what is not more urgent than what runs is not noted: nothing looks when that returns              must FAIL
   VARIANT 2  what gives way to something more urgent is not noted                                              must FAIL
   VARIANT 3  the look forgets, when it is over, what was asked for while it looked                             must FAIL */
#ifndef VARIANT
#define VARIANT 0
#endif
#define K 2
#define THREAD 2
#define NONE 3
byte raised[2], delivered[2];              /* observation only */
byte cnt[2];                               /* pending counts: the ISRs add, the VM takes */
bit armed=0, passed=0, done[2];
byte level=THREAD, outer[2], work[2];

proctype isr(byte s) { byte i=0;
  do
  :: i<K -> atomic { cnt[s]++; raised[s]++; i++; armed=1 }  /* R14 is another model */
  :: else -> break
  od;
  done[s]=1
}

inline consider(s) {                       /* each read is a step: a raise may come between any two */
  if
  :: cnt[s]==0 -> skip
  :: cnt[s]!=0 ->
     if
     :: s>=urgency ->
#if VARIANT!=1
        passed=1
#else
        skip
#endif
     :: s<urgency ->
#if VARIANT!=2
        if :: due!=NONE -> passed=1 :: else -> skip fi;
#endif
        due=s; urgency=s
     fi
  fi
}

inline look() {
  due=NONE; urgency=level; passed=0;
  consider(1);
  consider(0);
#if VARIANT==3
  armed=0;
#endif
  if
  :: due!=NONE ->
     atomic { n=cnt[due]; cnt[due]=0 };
     outer[due]=level; level=due; work[due]=1; delivered[due]=delivered[due]+n
  :: else -> skip
  fi
}

proctype vm() { byte due, urgency, n;
  do
  :: if :: armed==1 -> armed=0; look() :: else -> skip fi;  /* a safe point: disarm first, then take (R57) */
     if
     :: level==THREAD -> skip
     :: level<THREAD && work[level]>0 -> work[level]--
     :: level<THREAD && work[level]==0 ->
        level=outer[level];
        if :: passed || armed -> look() :: else -> skip fi
     fi
  od
}
init { atomic { run isr(0); run isr(1); run vm() } }
ltl nolost { [] ((done[0] && done[1]) -> <> (raised[0]==delivered[0] && raised[1]==delivered[1])) }

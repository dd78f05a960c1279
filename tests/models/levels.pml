/* Two priority levels: preemption, and tail-chaining when a handler returns (rules R6, R39, R41 of interrupts.md).
   Two ISRs raise K times each; source 0 is the more urgent. Handlers take a few operations, each a safe point.
   VARIANT 0  only what is strictly more urgent preempts; the return restores the level, then looks again        must verify
   VARIANT 1  the return does not look: a request that came while the level held it back has been used up        must FAIL
   VARIANT 2  the return looks before it restores the level: what was raised again stays pending                 must FAIL
   VARIANT 3  equal priorities nest                                                                              must FAIL */
#ifndef VARIANT
#define VARIANT 0
#endif
#define K 2
#define THREAD 2
byte raised[2], delivered[2];              /* observation only */
bit running[2];
byte cnt[2];                               /* pending counts: the ISRs add, the VM takes */
bit armed=0, done[2];
byte level=THREAD, outer[2], work[2];

proctype isr(byte s) { byte i=0;
  do
  :: i<K -> atomic { cnt[s]++; raised[s]++; i++; armed=1 }  /* R14 is another model */
  :: else -> break
  od;
  done[s]=1
}

#if VARIANT==3
#define PREEMPTS(s) ((s)<=level)
#else
#define PREEMPTS(s) ((s)<level)
#endif

inline enter(s) {
  byte n;
  atomic { n=cnt[s]; cnt[s]=0 };
  assert(running[s]==0);                    /* R39: so handlers nest two deep at most */
  outer[s]=level; level=s; running[s]=1; work[s]=2; delivered[s]=delivered[s]+n
}

inline look() {
  if
  :: cnt[0]!=0 && PREEMPTS(0) -> enter(0)
  :: !(cnt[0]!=0 && PREEMPTS(0)) ->
     if :: cnt[1]!=0 && PREEMPTS(1) -> enter(1) :: else -> skip fi
  fi
}

proctype vm() { byte ended;
  do
  :: if :: armed==1 -> armed=0; look() :: else -> skip fi;  /* a safe point: disarm first, then take (R57) */
     if
     :: level==THREAD -> skip
     :: level<THREAD && work[level]>0 -> work[level]--
     :: level<THREAD && work[level]==0 -> ended=level; running[ended]=0;
#if VARIANT==2
        look();
        if :: level==ended -> level=outer[ended] :: else -> outer[level]=outer[ended] fi
#else
        level=outer[ended];
#if VARIANT!=1
        look()
#endif
#endif
     fi
  od
}
init { atomic { run isr(0); run isr(1); run vm() } }
ltl nolost { [] ((done[0] && done[1]) -> <> (raised[0]==delivered[0] && raised[1]==delivered[1])) }

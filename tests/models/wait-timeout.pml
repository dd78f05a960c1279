/* A wait with a time limit, which restarts after each handler (rules R49, R50 of interrupts.md).
   One ISR raises the source that is waited for K times. Another one wakes the wait again and again for handlers' sake.
   VARIANT 0  the deadline is set once; at its end what has been raised since is kept for the next wait    must verify
   VARIANT 1  a wait that ends by its time forgets what has been raised since it looked                    must FAIL
   VARIANT 2  each restart begins the time anew: the wait need never end                                   must FAIL */
#ifndef VARIANT
#define VARIANT 0
#endif
#define K 3
#define TIME 2
byte left=0;                               /* until the deadline */
bit wake=0, nudge=0;                       /* the ISRs set them, the VM clears them */
bit untold=0, waiting=0, isr_done=0;       /* observation only */

proctype isr() { byte i=0;
  do
  :: i<K -> atomic { wake=1; untold=1; i++ }
  :: else -> break
  od;
  isr_done=1
}
proctype others() { do :: nudge=1 od }
proctype clock() { do :: left>0 -> left-- od }

proctype vm() {
  do
  :: waiting=1; left=TIME;
again:
     if
     :: wake==1 -> atomic { wake=0; untold=0 }               /* told by the bits that wait returns */
     :: wake==0 ->
        if
        :: left==0 ->                                        /* 0: the time is up */
#if VARIANT==1
           wake=0
#else
           skip
#endif
        :: left>0 ->
           (wake==1 || nudge==1 || left==0);                 /* asleep */
           nudge=0;                                          /* handlers run */
#if VARIANT==2
           left=TIME;
#endif
           goto again
        fi
     fi;
     waiting=0
  od
}
init { atomic { run isr(); run others(); run clock(); run vm() } }
ltl told_and_ended { [] (isr_done -> <> (untold==0)) && [] (waiting -> <> (!waiting)) }

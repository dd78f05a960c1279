*** Settings ***
Documentation       Ctrl-C stops a program that never ends, whatever it is doing.
Resource            ${KEYWORDS}
Suite Setup         Start Board
Suite Teardown      Stop Board
Test Teardown       Save Console
Test Tags           needs-link


*** Test Cases ***
Ctrl-C Stops A Computation That Never Ends
    Load Program    endless
    Start App
    Wait For Line On Uart    computing
    Press Ctrl C
    Result Should Be    TRAP_STOPPED
    Prompt Should Come

Ctrl-C Stops A Program That Sleeps
    Load Program    waiting
    Start App
    Wait For Line On Uart    waiting
    Press Ctrl C
    Result Should Be    TRAP_STOPPED
    Prompt Should Come

A Stopped Board Runs The Next Program
    Load Program    forced
    Start App
    Wait For Line On Uart    3245 primes, checksum 2092706092
    Result Should Be    0

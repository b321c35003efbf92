"""Support: were expectations_of to answer kept?"""
